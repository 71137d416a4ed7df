import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareServer } from '../../src/cli/setup/prepare-servers.js';
import { loadConfig } from '../../src/config/index.js';
import { loadContracts } from '../../src/contracts/load.js';
import { registrar } from '../integration/cli-process.js';
import { eventually } from '../integration/installation.js';
import { temporalCli } from '../integration/temporal-cli.js';
import { temporaryFolder } from '../run/temporary-folder.js';
import { makeCredentials, type Credentials } from './credentials.js';
import { clientEnvironment, startTemporalServer, type TemporalServer } from './server.js';

const ADMIN = 'temporal-system:admin';
const BUILDS_WITHIN_MS = 30 * 60_000;

let credentials: Credentials;
let server: TemporalServer;
let directory: string;

beforeAll(async () => {
  directory = temporaryFolder('temporal-on-postgres');
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  chmodSync(directory, 0o755);
  credentials = await makeCredentials(join(directory, 'credentials'));
  server = await startTemporalServer(directory, credentials);
}, BUILDS_WITHIN_MS);
afterAll(() => server?.stop());

/** As whoever has these rights, in a namespace. What is set besides replaces what would be right. */
function environment(
  namespace: string,
  permissions: readonly string[],
  other: Partial<Parameters<typeof clientEnvironment>[2]> = {},
): NodeJS.ProcessEnv {
  const access = { apiKey: credentials.apiKey(...permissions), ...other };
  const env = clientEnvironment(server.address, credentials, access);
  return { ...env, TEMPORAL_NAMESPACE: namespace, REGISTRAR_DATA_DIR: join(directory, namespace), NO_COLOR: '1' };
}

async function createNamespace(name: string): Promise<void> {
  await temporalCli(['operator', 'namespace', 'create', '--namespace', name], environment(name, [ADMIN]));
}

/** Ten nodes with worker and bridge, as whoever has this environment. */
async function runDemo(env: NodeJS.ProcessEnv): Promise<void> {
  const { code, stdout, stderr } = await registrar(env, 'demo', '--exit', '--json');
  expect(stderr.slice(-2_000) + stdout.slice(-2_000), `exit ${code}`).toContain('active');
  expect(code).toBe(0);
  process.stderr.write(`demo: ${stdout.slice(-600)}\n`);
  const count = await temporalCli(['workflow', 'count'], env);
  expect(Number(/Total: (\d+)/.exec(count)?.[1])).toBeGreaterThanOrEqual(10);
}

describe('Temporal Server on PostgreSQL, with TLS on both sides and API keys', () => {
  it('runs the demo', async () => {
    await createNamespace('demo');
    await runDemo(environment('demo', [ADMIN]));
  }, 600_000);

  it('runs the short form of chaos', async () => {
    await createNamespace('chaos');
    const args = ['--import', 'tsx', 'test/chaos/main.ts', '--scenario', 'short', '--nodes', '12', '--seconds', '20'];
    const { all, exitCode } = await execa(process.execPath, [...args, '--seed', '20260131'], {
      env: environment('chaos', [ADMIN]),
      extendEnv: false,
      all: true,
      reject: false,
    });
    process.stderr.write(`chaos: ${all.slice(-1_500)}\n`);
    expect(exitCode, all.slice(-4_000)).toBe(0);
  }, 900_000);
});

describe('settings that the server does not take', () => {
  const doctor = async (other: Parameters<typeof environment>[2]): Promise<string> =>
    (await registrar(environment('demo', [ADMIN], other), 'doctor')).stdout;
  /** Temporal's own command line has to fail with the same environment, and beside it to work. */
  const temporal = (other: Parameters<typeof environment>[2]): Promise<string> =>
    temporalCli(['workflow', 'list', '--limit', '1'], environment('demo', [ADMIN], other));

  it('are named by doctor, each with what to set, where Temporal’s own command line is refused too', async () => {
    await expect(temporal({})).resolves.toContain('Status');
    const { ca, otherCa, otherClient } = credentials;
    for (const [other, words] of [
      [{ ca: otherCa }, /not trusted here[\s\S]*TEMPORAL_TLS_SERVER_CA_CERT_PATH/],
      [{ ca, client: null }, /wants a client certificate[\s\S]*TEMPORAL_TLS_CLIENT_CERT_PATH/],
      [{ ca, client: otherClient }, /does not take this client certificate[\s\S]*TEMPORAL_TLS_CLIENT_CERT_PATH/],
      [{ apiKey: 'not-a-key' }, /refuses this API key[\s\S]*TEMPORAL_API_KEY/],
    ] as const) {
      await expect(temporal(other)).rejects.toThrow();
      expect((await doctor(other)).replace(/\s+/g, ' ')).toMatch(words);
    }
  }, 300_000);
});

describe('an API key that may only write in its namespace', () => {
  const writer = (): NodeJS.ProcessEnv => environment('orders', ['orders:write']);
  /** What `registrar setup` does with Temporal. @returns why it does not go on, if it does not */
  const setup = (): Promise<string | undefined> => {
    const config = loadConfig(writer());
    return prepareServer('temporal', config, loadContracts(), () => undefined).then(
      () => undefined,
      (error: Error) => error.message,
    );
  };
  /** The commands that setup has printed, as an operator runs them. */
  const run = async (words = ''): Promise<void> => {
    for (const [line] of words.matchAll(/^ +temporal .*$/gm))
      await temporalCli(line.trim().split(' ').slice(1), environment('orders', [ADMIN]));
  };

  it('makes setup name the commands for an operator, and go on once they have been run', async () => {
    const why = await setup();
    expect(why).toContain('namespace orders is not there');
    const [, ...commands] = why?.split('\n') ?? [];
    await run(commands[0]);
    const attributes = await eventually('the namespace is known', 30, async () =>
      /no search attribute.*/s.exec((await setup()) ?? ''),
    );
    await run(attributes[0]);
    await eventually('setup goes on', 30, async () => (await setup()) === undefined);
  }, 120_000);

  it(
    'is all that worker and bridge need: the demo runs in the namespace that is prepared now',
    () => runDemo(writer()),
    600_000,
  );
});
