import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scenario } from '../scenario.js';
import type { World } from '../world/world.js';

const CHUNK = Buffer.alloc(256 * 1024);

/** Writes until nothing more fits. */
async function fill(file: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(file, CHUNK, { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

/** A PostgreSQL without room for its log ends by itself; it is started again, as an operator would. */
async function startIfEnded({ targets }: World): Promise<void> {
  if (targets.pidOf('postgres') === undefined) await targets.start('postgres');
}

export const scenario: Scenario = {
  what: "PostgreSQL's disk full, twice",
  postgresMb: 160,
  async disturb(world) {
    const file = join(world.targets.directoryOf('postgres'), 'in-the-way');
    for (let time = 1; time <= 2; time += 1) {
      await world.pause(8, 12);
      await world.disturb("PostgreSQL's disk is full", async () => {
        await fill(file);
        await world.pause(10, 20);
        await rm(file);
        await startIfEnded(world);
      });
    }
  },
};
