import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../../src/config/index.js';
import { identify } from '../../../src/stack/state/processes.js';
import { writeState, type StackState } from '../../../src/stack/state/state.js';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'config-test-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const load = (env: Record<string, string> = {}) => loadConfig({ REGISTRAR_DATA_DIR: dataDir, ...env });

const embedded = {
  temporal: '127.0.0.1:17233',
  temporalUi: 'http://127.0.0.1:18233',
  kafka: ['127.0.0.1:19092'],
  consul: 'http://127.0.0.1:18500',
  postgres: 'postgresql://registrar@127.0.0.1:15432/registrar',
};

function runStack(born?: string): void {
  const self = identify(process.pid);
  if (self === undefined) throw new Error('no identity');
  const state: StackState = {
    owner: { ...self, born: born ?? self.born },
    guardians: [],
    ports: {},
    addresses: embedded,
  };
  writeState(dataDir, state);
}

describe('where nothing is said', () => {
  it('the usual addresses on localhost and the documented defaults hold', () => {
    const config = load();
    expect(config).toMatchObject({
      temporal: { address: 'localhost:7233', namespace: 'default' },
      kafka: { brokers: ['localhost:9092'] },
      consul: { address: 'http://localhost:8500' },
      postgres: { connectionString: 'postgresql://registrar@localhost:5432/registrar' },
      env: 'dev',
      namespace: '',
      taskQueue: 'registration',
      dataDir,
      fromEnvironment: { temporal: false, kafka: false, consul: false, postgres: false },
    });
    expect(config.contractsDir).toMatch(/\/contracts$/);
    expect(config.consul).not.toHaveProperty('token');
    expect(config.temporal).not.toHaveProperty('apiKey');
  });

  it('the data directory is .registrar in the current one', () => {
    expect(loadConfig({}).dataDir).toBe(join(process.cwd(), '.registrar'));
  });

  it('an empty variable is an unset one', () => {
    const config = load({
      KAFKA_BROKERS: '',
      CONSUL_HTTP_ADDR: ' ',
      DATABASE_URL: '',
      TEMPORAL_ADDRESS: '',
      REGISTRAR_ENV: '',
    });
    expect(config.fromEnvironment).toEqual({ temporal: false, kafka: false, consul: false, postgres: false });
    expect(config.env).toBe('dev');
  });
});

describe('where an embedded stack runs', () => {
  it('its addresses are used', () => {
    runStack();
    expect(load()).toMatchObject({
      temporal: { address: embedded.temporal },
      kafka: { brokers: embedded.kafka },
      consul: { address: embedded.consul },
      postgres: { connectionString: embedded.postgres },
      fromEnvironment: { temporal: false, kafka: false, consul: false, postgres: false },
    });
  });

  it('they are not used once its owner is dead, even when another process has its id by now', () => {
    runStack('another boot/1');
    expect(load()).toMatchObject({ temporal: { address: 'localhost:7233' }, kafka: { brokers: ['localhost:9092'] } });
  });

  it('an address in the environment wins, for that server only', () => {
    runStack();
    const config = load({ CONSUL_HTTP_ADDR: 'consul.example:8500' });
    expect(config.consul.address).toBe('http://consul.example:8500');
    expect(config.kafka.brokers).toEqual(embedded.kafka);
    expect(config.fromEnvironment).toEqual({ temporal: false, kafka: false, consul: true, postgres: false });
  });

  it("another cluster's key is not sent to it", () => {
    runStack();
    expect(load({ TEMPORAL_API_KEY: 'secret' }).temporal).toEqual({ address: embedded.temporal, namespace: 'default' });
  });

  it('a state file that this version cannot read is named', () => {
    writeFileSync(join(dataDir, 'stack.json'), '{"owner":');
    expect(() => load()).toThrow(join(dataDir, 'stack.json'));
  });
});

describe("the ecosystems' own variables", () => {
  it("Temporal's", () => {
    const config = load({
      TEMPORAL_ADDRESS: 'cloud.example:7233',
      TEMPORAL_NAMESPACE: 'prod',
      TEMPORAL_API_KEY: 'key',
    });
    expect(config.temporal).toMatchObject({ address: 'cloud.example:7233', namespace: 'prod', apiKey: 'key' });
    expect(config.fromEnvironment.temporal).toBe(true);
  });

  it("Temporal's configuration file, only when a variable points to it", () => {
    const file = join(dataDir, 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "file.example:7233"\nnamespace = "from-file"\n');
    const config = load({ TEMPORAL_CONFIG_FILE: file });
    expect(config.temporal).toMatchObject({ address: 'file.example:7233', namespace: 'from-file' });
    expect(config.fromEnvironment.temporal).toBe(true);
  });

  it.each([
    ['one broker', 'a:9092', ['a:9092']],
    ['several, with spaces', 'a:9092, b.example:9093', ['a:9092', 'b.example:9093']],
    ['an IPv6 address', '[::1]:9092', ['[::1]:9092']],
  ])("Kafka's: %s", (_, value, brokers) => {
    expect(load({ KAFKA_BROKERS: value }).kafka.brokers).toEqual(brokers);
  });

  it.each([
    ['127.0.0.1:8500', {}, 'http://127.0.0.1:8500'],
    ['http://consul:8500/', {}, 'http://consul:8500'],
    ['https://consul.example', {}, 'https://consul.example'],
    ['consul:8501', { CONSUL_HTTP_SSL: 'true' }, 'https://consul:8501'],
    ['consul:8501', { CONSUL_HTTP_SSL: '1' }, 'https://consul:8501'],
    ['consul:8501', { CONSUL_HTTP_SSL: 'T' }, 'https://consul:8501'],
    ['consul:8500', { CONSUL_HTTP_SSL: 'False' }, 'http://consul:8500'],
    ['consul:8500', { CONSUL_HTTP_SSL: '0' }, 'http://consul:8500'],
    ['http://consul:8501', { CONSUL_HTTP_SSL: '1' }, 'https://consul:8501'],
    ['https://[::1]:8501/some/path/', {}, 'https://[::1]:8501/some/path'],
    ['unix:///run/consul.sock', {}, 'unix:///run/consul.sock'],
  ])("Consul's: %s with %o", (value, more, url) => {
    const { consul } = load({ CONSUL_HTTP_ADDR: value, CONSUL_HTTP_TOKEN: 'token', ...more });
    expect(consul).toEqual({ address: url, token: 'token', ...(url.startsWith('https:') && { tls: {} }) });
  });

  it.each([
    [{ CONSUL_CACERT: '/not/there' }, "CONSUL_CACERT: '/not/there' cannot be read"],
    [{ CONSUL_CACERT: import.meta.filename }, 'CONSUL_CACERT holds no PEM certificate'],
    [{ CONSUL_CAPATH: import.meta.dirname }, `${import.meta.filename} holds no PEM certificate`],
    [{ CONSUL_CLIENT_CERT: import.meta.filename }, 'CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY belong together'],
    [
      { CONSUL_CLIENT_CERT: import.meta.filename, CONSUL_CLIENT_KEY: import.meta.filename },
      'CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY cannot be used',
    ],
    [{ CONSUL_HTTP_TOKEN_FILE: '/not/there' }, "CONSUL_HTTP_TOKEN_FILE: '/not/there' cannot be read"],
    [{ CONSUL_HTTP_TOKEN_FILE: '/dev/null' }, 'CONSUL_HTTP_TOKEN_FILE: the file is empty'],
    [{ CONSUL_HTTP_ADDR: 'https://u:secret@consul' }, /^(?!.*secret).*use CONSUL_HTTP_AUTH/],
    [{ CONSUL_HTTP_ADDR: 'https://u:secret@consul:port' }, /^(?!.*secret).*CONSUL_HTTP_ADDR/],
  ])("Consul's that cannot be used are named: %o", (env, words) => {
    expect(() => load({ CONSUL_HTTP_ADDR: 'https://consul', ...env })).toThrow(words);
  });

  it("another Consul's token and certificates are not sent to ours", () => {
    runStack();
    expect(load({ CONSUL_HTTP_TOKEN: 'secret', CONSUL_HTTP_SSL: '1' }).consul).toEqual({ address: embedded.consul });
  });

  it("Consul's: a CONSUL_HTTP_SSL that is neither is refused", () => {
    expect(() => load({ CONSUL_HTTP_ADDR: 'consul:8501', CONSUL_HTTP_SSL: 'yes' })).toThrow(
      "CONSUL_HTTP_SSL: 'yes' is neither true nor false",
    );
  });

  it.each([
    [{ DATABASE_URL: 'postgres://u:p@db/x' }, 'postgres://u:p@db/x'],
    [{ PGHOST: 'db', PGUSER: 'u' }, 'postgresql://u@db:5432/u'],
    [
      { PGHOST: 'db', PGPORT: '6000', PGUSER: 'u', PGPASSWORD: 'p@ss/', PGDATABASE: 'x' },
      'postgresql://u:p%40ss%2F@db:6000/x',
    ],
    [{ PGDATABASE: 'x', USER: 'me' }, 'postgresql://me@localhost:5432/x'],
    [{ PGHOST: '/var/run/postgresql', PGUSER: 'u' }, 'postgresql://u@localhost:5432/u?host=%2Fvar%2Frun%2Fpostgresql'],
    [{ PGHOST: 'db', PGUSER: 'u', PGSSLMODE: 'require' }, 'postgresql://u@db:5432/u?sslmode=require'],
    [{ DATABASE_URL: 'postgresql://a/b', PGHOST: 'other' }, 'postgresql://a/b'],
    [{ PGHOST: 'a,::1', PGPORT: '1,2', PGUSER: 'u' }, 'postgresql://u@a:1,[::1]:2/u'],
    [
      { DATABASE_URL: 'postgresql://a,b/x?sslmode=disable', PGSSLMODE: 'require', PGTARGETSESSIONATTRS: 'read-write' },
      'postgresql://a,b/x?sslmode=disable&target_session_attrs=read-write',
    ],
    [{ DATABASE_URL: 'postgresql://a/b', PGSSLMODE: 'require' }, 'postgresql://a/b?sslmode=require'],
  ])("PostgreSQL's: %o", (env, url) => {
    const config = load(env);
    expect(config.postgres.connectionString).toBe(url);
    expect(config.fromEnvironment.postgres).toBe(true);
  });

  it('PGUSER and PGPASSWORD alone name no server', () => {
    expect(load({ PGUSER: 'u', PGPASSWORD: 'p' }).fromEnvironment.postgres).toBe(false);
  });
});

describe('ours', () => {
  it('are taken as they are', () => {
    const env = {
      REGISTRAR_ENV: 'prod',
      REGISTRAR_NAMESPACE: 'team_a',
      REGISTRAR_TASK_QUEUE: 'q',
      REGISTRAR_CONTRACTS: dataDir,
    };
    expect(load(env)).toMatchObject({ env: 'prod', namespace: 'team_a', taskQueue: 'q', contractsDir: dataDir });
  });
});

describe('a bad value is refused by the name of its variable and the value', () => {
  it.each([
    ['TEMPORAL_ADDRESS', 'nowhere'],
    ['TEMPORAL_ADDRESS', 'host:99999'],
    ['KAFKA_BROKERS', 'a:9092,b'],
    ['KAFKA_BROKERS', 'kafka://a:9092'],
    ['CONSUL_HTTP_ADDR', 'unix://run/consul.sock'],
    ['CONSUL_HTTP_ADDR', 'ftp://consul'],
    ['CONSUL_HTTP_ADDR', 'http://'],
    ['REGISTRAR_ENV', 'a.b'],
    ['REGISTRAR_NAMESPACE', 'x y'],
    ['REGISTRAR_CONTRACTS', '/not/there'],
  ])('%s=%s', (variable, value) => {
    const bad = () => load({ [variable]: value });
    expect(bad).toThrow(ConfigError);
    expect(bad).toThrow(variable);
    expect(bad).toThrow(value.split(',').at(-1) ?? '');
  });

  it('PGPORT', () => {
    expect(() => load({ PGHOST: 'db', PGPORT: 'x' })).toThrow("PGPORT: 'x'");
  });

  it('without showing a password', () => {
    expect(() => load({ DATABASE_URL: 'mysql://u:hunter2@db/x' })).toThrow(
      'DATABASE_URL: not a postgresql:// URL: it does not begin so',
    );
  });

  it('PGSSLMODE and certificates', () => {
    expect(() => load({ PGHOST: 'db', PGSSLMODE: 'yes' })).toThrow("PG*: sslmode 'yes' is none of disable, allow");
    expect(() => load({ DATABASE_URL: 'postgresql://a/b', PGSSLROOTCERT: '/not/there' })).toThrow(
      "DATABASE_URL: sslrootcert '/not/there' cannot be read",
    );
  });
});
