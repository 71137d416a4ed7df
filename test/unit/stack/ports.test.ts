import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choosePorts, portOf, reservePorts } from '../../../src/stack/ports.js';

const opened: Server[] = [];
let registry: string;

beforeEach(() => {
  registry = join(mkdtempSync(join(tmpdir(), 'ports-test-')), 'ports.json');
});
afterEach(async () => {
  rmSync(dirname(registry), { recursive: true });
  await Promise.all(opened.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

function occupy(port: number, host = '127.0.0.1'): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    opened.push(server);
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}

/** A port that is free together with the two tens above it. */
async function freeBase(): Promise<number> {
  for (let base = 21_000; base < 32_000; base += 100) {
    const ports = await choosePorts({ a: base, b: base + 10, c: base + 20 });
    if (ports.a === base && ports.b === base + 10 && ports.c === base + 20) return base;
  }
  throw new Error('no free ports');
}

describe('the choice of ports', () => {
  it('takes the wanted one when it is free', async () => {
    const base = await freeBase();
    expect(await choosePorts({ http: base })).toEqual({ http: base });
  });

  it('takes the next ten above one that is taken, on whatever address', async () => {
    const base = await freeBase();
    await occupy(base);
    await occupy(base + 10, '0.0.0.0');
    expect(await choosePorts({ http: base })).toEqual({ http: base + 20 });
  });

  it('never gives one port to two purposes', async () => {
    const base = await freeBase();
    const { a, b } = await choosePorts({ a: base, b: base });
    expect([a, b]).toEqual([base, base + 10]);
  });

  it('takes any for 0, and leaves it free', async () => {
    const { any } = await choosePorts({ any: 0 });
    expect(any).toBeGreaterThan(0);
    await expect(occupy(any ?? 0)).resolves.toBeUndefined();
  });

  it('says which port is missing', () => {
    expect(() => portOf({ http: 1 }, 'grpc')).toThrow('grpc');
  });
});

describe('the reservation of ports', () => {
  it('keeps two stacks that start at the same moment apart', async () => {
    const base = await freeBase();
    const [one, two] = await Promise.all([
      reservePorts({ http: base }, registry),
      reservePorts({ http: base }, registry),
    ]);
    expect([one.ports.http, two.ports.http].sort()).toEqual([base, base + 10]);
  });

  it('gives a port back', async () => {
    const base = await freeBase();
    const first = await reservePorts({ http: base }, registry);
    await first.release();
    expect((await reservePorts({ http: base }, registry)).ports).toEqual({ http: base });
  });

  it('forgets what a dead process had reserved', async () => {
    const base = await freeBase();
    writeFileSync(registry, JSON.stringify([{ port: base, by: { pid: process.pid, born: 'long ago' } }]));
    expect((await reservePorts({ http: base }, registry)).ports).toEqual({ http: base });
    expect(readFileSync(registry, 'utf8')).not.toContain('long ago');
  });

  it('survives a list that was written half', async () => {
    const base = await freeBase();
    writeFileSync(registry, '[{"port":');
    expect((await reservePorts({ http: base }, registry)).ports).toEqual({ http: base });
  });
});
