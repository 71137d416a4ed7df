import { rm } from 'node:fs/promises';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'Consul stopped, its data removed, started again',
  async disturb(world) {
    await world.pause(12, 20);
    await world.disturb('Consul loses its data', async () => {
      await world.targets.stop('consul');
      await rm(world.targets.directoryOf('consul'), { recursive: true });
      await world.targets.start('consul');
    });
  },
};
