import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../../src/config/index.js';
import { temporaryFolder } from '../../run/temporary-folder.js';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder('temporal-config');
});

const temporal = (env: Record<string, string>) =>
  loadConfig({ REGISTRAR_DATA_DIR: folder, TEMPORAL_ADDRESS: 'temporal.example:7233', ...env }).temporal;

/** Temporal's configuration file, with these lines below its default profile. */
function profile(...lines: readonly string[]): Record<string, string> {
  const path = join(folder, 'temporal.toml');
  writeFileSync(path, ['[profile.default]', ...lines].join('\n'));
  return { TEMPORAL_CONFIG_FILE: path };
}

describe('TLS', () => {
  it.each([
    ['true', {}],
    ['TRUE', {}],
    ['1', {}],
    ['false', false],
    ['False', false],
    ['0', false],
  ])('is on or off by TEMPORAL_TLS, in whatever letters: %s', (TEMPORAL_TLS, tls) => {
    expect(temporal({ TEMPORAL_TLS }).tls).toEqual(tls);
    expect(temporal({ TEMPORAL_TLS, TEMPORAL_API_KEY: 'key' }).tls).toEqual(tls);
  });

  it('is on with an API key alone', () => {
    expect(temporal({ TEMPORAL_API_KEY: 'key' }).tls).toBe(true);
  });

  it('is refused where TEMPORAL_TLS says neither: it would be off, and a key be sent in the open', () => {
    expect(() => temporal({ TEMPORAL_TLS: 'yes', TEMPORAL_API_KEY: 'key' })).toThrow(
      "TEMPORAL_TLS: 'yes' is neither true nor false",
    );
  });
});

describe('headers that each call carries', () => {
  it('are none where none are set', () => {
    expect(temporal({})).not.toHaveProperty('metadata');
  });

  it('are named as by Temporal’s own command line: in small letters, with a hyphen for each underscore', () => {
    expect(temporal({ TEMPORAL_GRPC_META_X_TENANT_ID: 'Orders 1' }).metadata).toEqual({ 'x-tenant-id': 'Orders 1' });
  });

  it('stand in the profile, too; a variable wins over it, and an empty one takes the header away', () => {
    const file = profile('[profile.default.grpc_meta]', 'x_tenant_id = "orders"', 'X-Team = "blue"', 'kept = "yes"');
    expect(temporal(file).metadata).toEqual({ 'x-tenant-id': 'orders', 'x-team': 'blue', kept: 'yes' });
    const variables = { TEMPORAL_GRPC_META_X_TENANT_ID: 'billing', TEMPORAL_GRPC_META_X_TEAM: '' };
    expect(temporal({ ...file, ...variables }).metadata).toEqual({ 'x-tenant-id': 'billing', kept: 'yes' });
  });

  it.each([
    [{ TEMPORAL_GRPC_META_AUTHORIZATION: 'Bearer hunter2\n' }, "'authorization'"],
    [{ TEMPORAL_GRPC_META_X_NAME: 'hunter2 é' }, "'x-name'"],
    [{ TEMPORAL_GRPC_META_X_BIN: 'hunter2' }, "'x-bin'"],
    [{ TEMPORAL_API_KEY: 'hunter2\n' }, 'TEMPORAL_API_KEY'],
  ])('that gRPC cannot send are refused by name, without their value: %o', (env, name) => {
    expect(() => temporal(env)).toThrow(ConfigError);
    expect(() => temporal(env)).toThrow(new RegExp(`^(?!.*hunter2).*${name}`, 's'));
  });
});
