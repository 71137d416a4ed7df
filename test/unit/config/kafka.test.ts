import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../src/config/index.js';
import { makeCertificates } from '../../run/certificates.js';
import { temporaryFolder } from '../../run/temporary-folder.js';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder('kafka-config');
});

const kafka = (env: Record<string, string>) =>
  loadConfig({ REGISTRAR_DATA_DIR: folder, KAFKA_BROKERS: 'b:9093', ...env }).kafka;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A client.properties with these lines. */
const properties = (...lines: readonly string[]) => ({
  KAFKA_CLIENT_PROPERTIES: file('client.properties', lines.join('\n')),
});

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBKzCB06ADAgECAgFkMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAmNhMB4XDTI2
-----END CERTIFICATE-----
`;

const scram = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' };
const password = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: ' p"= ' };
const OAUTH = ['security.protocol=SASL_SSL', 'sasl.mechanisms=OAUTHBEARER'];
const OIDC = [
  'sasl.oauthbearer.token.endpoint.url=https://id.example/token',
  'sasl.oauthbearer.client.id=me',
  'sasl.oauthbearer.client.secret=shh',
];
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule';

describe('variables', () => {
  it('say nothing of TLS or SASL where there is neither', () => {
    expect(kafka({})).toEqual({ brokers: ['b:9093'] });
    expect(kafka({ KAFKA_SECURITY_PROTOCOL: 'plaintext', ...password })).toEqual({ brokers: ['b:9093'] });
  });

  it('name user, password as it is, and mechanism', () => {
    expect(kafka({ ...scram, ...password }).security).toEqual({
      tls: {},
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: ' p"= ' },
    });
    const { security } = kafka({
      ...password,
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'plain',
    });
    expect(security).toEqual({ sasl: { mechanism: 'PLAIN', username: 'u', password: ' p"= ' } });
  });

  it('name where a token comes from', () => {
    const oauth = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SASL_MECHANISM: 'OAUTHBEARER' };
    expect(kafka({ ...oauth, KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND: 'print-token' }).security?.sasl).toEqual({
      mechanism: 'OAUTHBEARER',
      tokenCommand: 'print-token',
    });
    const endpoint = {
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'https://id.example/token',
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'me',
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'shh',
      KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka',
    };
    expect(kafka({ ...oauth, ...endpoint }).security?.sasl).toEqual({
      mechanism: 'OAUTHBEARER',
      tokenEndpoint: 'https://id.example/token',
      clientId: 'me',
      clientSecret: 'shh',
      scope: 'kafka',
    });
    expect(() => kafka(oauth)).toThrow('OAUTHBEARER needs KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND, or');
  });

  it('turn off the comparison of host names, by either word', () => {
    const off = { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: 'none' };
    expect(kafka(off).security).toEqual({ tls: { checkHostname: false } });
    const java = properties('security.protocol=SSL', 'ssl.endpoint.identification.algorithm=');
    expect(kafka(java).security).toEqual({ tls: { checkHostname: false } });
  });

  it.each<[Record<string, string>, string]>([
    [password, 'KAFKA_SASL_USERNAME is set, but KAFKA_SECURITY_PROTOCOL is not: set it to one of PLAINTEXT, SSL'],
    [{ KAFKA_SECURITY_PROTOCOL: 'TLS' }, "KAFKA_SECURITY_PROTOCOL: 'TLS' is none of PLAINTEXT, SSL"],
    [{ KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }, 'KAFKA_SASL_MECHANISM is not set, and KAFKA_SECURITY_PROTOCOL asks for'],
    [{ ...scram, KAFKA_SASL_MECHANISM: 'GSSAPI' }, "KAFKA_SASL_MECHANISM: 'GSSAPI' is none of PLAIN, SCRAM-SHA-256"],
    [{ ...scram, KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_PASSWORD is not set'],
    [{ KAFKA_SSL_CIPHERS: 'x' }, 'KAFKA_SSL_CIPHERS is not understood; there are KAFKA_BROKERS, KAFKA_SECURITY'],
    [{ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_LOCATION: '/nowhere' }, "KAFKA_SSL_CA_LOCATION: '/nowhere' cannot"],
    [
      { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_KEY_LOCATION: '/dev/null' },
      'go together: the certificate is missing',
    ],
  ])('%o: is refused by name', (env, words) => {
    expect(() => kafka(env)).toThrow(words);
  });

  it('a CA that is no certificate is refused', () => {
    const env = { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_LOCATION: file('ca.pem', 'nothing') };
    expect(() => kafka(env)).toThrow('KAFKA_SSL_CA_LOCATION cannot be used for TLS: it holds no -----BEGIN');
    const broken = { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_LOCATION: file('ca.pem', CERTIFICATE) };
    expect(() => kafka(broken)).toThrow('KAFKA_SSL_CA_LOCATION cannot be used for TLS');
  });

  it('no password stands in an error', () => {
    const env = { ...scram, ...properties(`sasl.jaas.config=${SCRAM_MODULE} required username="u" password="hush`) };
    expect(() => kafka(env)).toThrow(/^(?!.*hush).*sasl\.jaas\.config in .* is not/s);
  });
});

describe('a client.properties', () => {
  it('of Java names brokers, user and password, whatever characters they have', () => {
    const line = `sasl.jaas.config=${SCRAM_MODULE} required \\`;
    const env = properties(
      'bootstrap.servers = one:9093, [::1]:9093',
      'security.protocol: SASL_PLAINTEXT',
      'sasl.mechanism=SCRAM-SHA-256',
      ...[line, '  username="u" \\', '  password="a\\\\"b;c=d";'],
    );
    expect(kafka({ KAFKA_BROKERS: '', ...env })).toEqual({
      brokers: ['one:9093', '[::1]:9093'],
      security: { sasl: { mechanism: 'SCRAM-SHA-256', username: 'u', password: 'a"b;c=d' } },
    });
    expect(loadConfig({ REGISTRAR_DATA_DIR: folder, ...env }).fromEnvironment.kafka).toBe(true);
  });

  it("of Java may quote with either sign, as a managed Kafka's own lines do", () => {
    const line = `sasl.jaas.config=${SCRAM_MODULE} required username='u' password='a"b\\\\'c d';`;
    expect(kafka({ ...scram, ...properties(line) }).security?.sasl).toEqual({
      mechanism: 'SCRAM-SHA-512',
      username: 'u',
      password: `a"b'c d`,
    });
  });

  it('of librdkafka names brokers, mechanism and user', () => {
    const env = properties(
      'metadata.broker.list=one:9093,two:9093',
      'security.protocol=sasl_ssl',
      'sasl.mechanisms=SCRAM-SHA-256',
      ...['sasl.username=u', 'sasl.password=p'],
    );
    expect(kafka({ KAFKA_BROKERS: '', ...env })).toEqual({
      brokers: ['one:9093', 'two:9093'],
      security: { tls: {}, sasl: { mechanism: 'SCRAM-SHA-256', username: 'u', password: 'p' } },
    });
    expect(kafka({ ...env, KAFKA_SASL_MECHANISM: 'PLAIN' }).security?.sasl).toMatchObject({ mechanism: 'PLAIN' });
  });

  it('of librdkafka may hold certificates and key itself', () => {
    const files = makeCertificates(folder, 'DNS:localhost', 'node');
    const [ca, certificate, key] = [files.ca, files.client.cert, files.client.key].map((path) =>
      readFileSync(path, 'utf8'),
    ) as [string, string, string];
    const lines = (pem: string): string => pem.replaceAll('\n', '\\n');
    const env = properties(
      'security.protocol=SSL',
      `ssl.ca.pem=${lines(ca)}`,
      `ssl.certificate.pem=${lines(certificate)}`,
      `ssl.key.pem=${lines(key)}`,
    );
    expect(kafka(env).security).toEqual({ tls: { ca, certificate, key } });
    const another = properties('security.protocol=SSL', `ssl.ca.pem=${lines(CERTIFICATE)}`);
    expect(() => kafka(another)).toThrow(/^ssl\.ca\.pem in .* cannot be used for TLS/);
  });

  it.each([
    ['oidc', OIDC, { tokenEndpoint: 'https://id.example/token', clientId: 'me', clientSecret: 'shh' }],
    ['OIDC', OIDC, { tokenEndpoint: 'https://id.example/token', clientId: 'me', clientSecret: 'shh' }],
    ['default', ['sasl.oauthbearer.token.command=print-token'], { tokenCommand: 'print-token' }],
  ])('of librdkafka gets its token by the method %s', (method, lines, source) => {
    const env = properties(...OAUTH, `sasl.oauthbearer.method=${method}`, ...lines);
    expect(kafka(env).security?.sasl).toEqual({ mechanism: 'OAUTHBEARER', ...source });
  });

  it('gives a token with extensions, in the words of Java and of librdkafka', () => {
    const command = 'sasl.oauthbearer.token.command=print-token';
    const java =
      'sasl.jaas.config=a.OAuthBearerLoginModule required extension_logicalCluster=\'lkc-1\' extension_poolId="p=1, 2";';
    const librdkafka = 'sasl.oauthbearer.extensions=logicalCluster=lkc-2, org=a=b';
    const extensions = (...lines: string[]) => {
      const { sasl } = kafka(properties(...OAUTH, command, ...lines)).security ?? {};
      return sasl?.mechanism === 'OAUTHBEARER' ? sasl.extensions : null;
    };
    expect(extensions()).toBeUndefined();
    expect(extensions(java)).toEqual({ logicalCluster: 'lkc-1', poolId: 'p=1, 2' });
    expect(extensions(librdkafka)).toEqual({ logicalCluster: 'lkc-2', org: 'a=b' });
    expect(extensions(java, librdkafka)).toEqual({ logicalCluster: 'lkc-2', poolId: 'p=1, 2', org: 'a=b' });
  });

  it.each<[lines: readonly string[], words: RegExp]>([
    [['sasl.oauthbearer.method=jwt'], /^sasl\.oauthbearer\.method in .*: 'jwt' is none of default, oidc$/],
    [
      ['sasl.oauthbearer.method=default', ...OIDC],
      /^sasl\.oauthbearer\.method in .* is 'default'.* KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND.*token\.endpoint\.url in .*'oidc'/,
    ],
    [
      ['sasl.oauthbearer.method=oidc', ...OIDC, 'sasl.oauthbearer.token.command=print-token'],
      /^sasl\.oauthbearer\.method in .* is 'oidc', .*token\.command in .* is set/,
    ],
    [['sasl.oauthbearer.method=oidc'], /OAUTHBEARER needs .*KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL/],
    [['sasl.oauthbearer.extensions=hush'], /^sasl\.oauthbearer\.extensions in (?!.*hush).* NAME=value/],
    [['sasl.oauthbearer.extensions=auth=x'], /^sasl\.oauthbearer\.extensions in .*: 'auth' cannot be the name/],
    [
      ['sasl.jaas.config=a.OAuthBearerLoginModule required extension_a_b="x";'],
      /^sasl\.jaas\.config in .*: 'a_b' cannot be the name/,
    ],
    [
      ['sasl.jaas.config=a.OAuthBearerLoginModule required extension_a="\\u00e4";'],
      /^sasl\.jaas\.config in .*: the extension a has letters/,
    ],
    [['sasl.mechanism=PLAIN'], /^sasl\.mechanisms in .* and sasl\.mechanism in .* differ/],
  ])('with %j is refused by name', (lines, words) => {
    expect(() => kafka(properties('security.protocol=SASL_SSL', 'sasl.mechanisms=OAUTHBEARER', ...lines))).toThrow(
      words,
    );
  });

  it('gives way to variables', () => {
    const lines = ['bootstrap.servers=file:1', 'security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN'];
    const { brokers, security } = kafka({ ...properties(...lines, 'sasl.username=f', 'sasl.password=p'), ...password });
    expect(brokers).toEqual(['b:9093']);
    expect(security?.sasl).toMatchObject({ username: 'u' });
  });

  it.each([
    ['ssl.cipher.suites=x', /ssl\.cipher\.suites in .*client\.properties is not understood/],
    ['ssl.truststore.location=/a.jks', /ssl\.truststore\.location in .*: only a store of type PEM can be read/],
    ['ssl.keystore.type=PKCS12', /ssl\.keystore\.type in .*: only a store of type PEM can be read/],
    [
      `sasl.jaas.config=a.PlainLoginModule required username="u";`,
      /SCRAM-SHA-512 goes with ScramLoginModule, not Plain/,
    ],
    [`sasl.jaas.config=${SCRAM_MODULE} required user="u";`, /: user is not understood; there are username, password/],
    ['sasl.login.callback.handler.class=com.example.Mine', /a class cannot be run here/],
  ])('with %s is refused by name', (line, words) => {
    expect(() => kafka({ ...scram, ...properties(line) })).toThrow(words);
  });

  it('warns about other keys that are not used', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    kafka(properties('acks=all'));
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/^acks in .* is not used by node-registrar$/),
      'ConfigWarning',
    );
    warn.mockRestore();
  });

  it('that is not there is named', () => {
    expect(() => kafka({ KAFKA_CLIENT_PROPERTIES: '/nowhere' })).toThrow("KAFKA_CLIENT_PROPERTIES: '/nowhere' cannot");
  });
});

it('what is for another Kafka is not used for ours', () => {
  expect(kafka({ KAFKA_BROKERS: '', ...scram, ...password })).toEqual({ brokers: ['localhost:9092'] });
});
