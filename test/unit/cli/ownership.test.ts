import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refuseDatabaseOf, refuseNamespaceOf, ServerOfAnother } from '../../../src/cli/ownership.js';
import { EXIT } from '../../../src/cli/terminal/exit-codes.js';
import { loadConfig } from '../../../src/config/index.js';
import { createPool } from '../../../src/registry/pool.js';

const config = loadConfig({ REGISTRAR_ENV: 'prod', REGISTRAR_NAMESPACE: 'shop', TEMPORAL_NAMESPACE: 'orders' });
const pool = createPool('postgresql://registrar:secret@db:5432/fleet', { max: 1 });

it('lets a server of its own pass, and one that is nobody’s', () => {
  for (const owner of ['prod.shop', null]) {
    expect(() => refuseDatabaseOf(owner, config, pool)).not.toThrow();
    expect(() => refuseNamespaceOf(owner, config)).not.toThrow();
  }
  expect(() => refuseDatabaseOf(undefined, config, pool)).not.toThrow();
});

it.each<[what: string, refuse: () => void, own: string]>([
  ['The database at db:5432/fleet', () => refuseDatabaseOf('prod', config, pool), 'DATABASE_URL to a database'],
  ['Namespace orders of Temporal at', () => refuseNamespaceOf('prod', config), 'TEMPORAL_NAMESPACE to a namespace'],
])('refuses another’s: %s', (what, refuse, own) => {
  const error = refusal(refuse);
  expect(error.message).toMatch(what);
  expect(error.message).toContain("belongs to the installation 'prod', and this one is 'prod.shop'");
  expect(error.hint).toContain(`set ${own} of its own`);
  expect(error.exitCode).toBe(EXIT.unreachable);
});

it('is asked wherever a command opens a connection, or by who claims the servers first', () => {
  const folder = join(import.meta.dirname, '../../../src/cli');
  const opens = /\bcreatePool\(|\bConnection\.(connect|lazy)\(/;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.filter((file) => opens.test(readFileSync(join(folder, file), 'utf8'))).sort()).toEqual([
    // Claims and refuses.
    'bridge/run-bridge.ts',
    'claim.ts',
    // Refuses.
    'connect.ts',
    // Only what `demo` has started.
    'demo/picture.ts',
    // Shows whose they are.
    'doctor/clock-checks.ts',
    'doctor/registry-checks.ts',
    // Refuses.
    'open-sources.ts',
    // Opens none.
    'setup/prepare-servers.ts',
  ]);
});

function refusal(refuse: () => void): ServerOfAnother {
  try {
    refuse();
  } catch (error) {
    if (error instanceof ServerOfAnother) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
