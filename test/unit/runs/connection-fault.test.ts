import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.js';
import { connectionFault } from '../../../src/runs/connection-fault.js';
import { temporaryFolder } from '../../run/temporary-folder.js';
import { makeCredentials, type Credentials } from '../../temporal-server/credentials.js';

let credentials: Credentials;
let secure: Http2SecureServer;
let plain: Http2Server;

beforeAll(async () => {
  credentials = await makeCredentials(temporaryFolder('certificates'));
  const { server, ca } = credentials;
  const [cert, key] = [readFileSync(server.cert), readFileSync(server.key)];
  secure = createSecureServer({ cert, key, ca: readFileSync(ca), requestCert: true }).listen(0, '127.0.0.1');
  plain = createServer().listen(0, '127.0.0.1');
  await Promise.all([once(secure, 'listening'), once(plain, 'listening')]);
});
afterAll(() => {
  secure.close();
  plain.close();
});

const addressOf = (server: Http2Server | Http2SecureServer, host = '127.0.0.1'): string =>
  `${host}:${(server.address() as AddressInfo).port}`;

/** What is found where Temporal's own variables are set so, beside those that are right. */
async function found(variables: NodeJS.ProcessEnv, server = addressOf(secure)): Promise<string | undefined> {
  const { ca, client } = credentials;
  const { temporal } = loadConfig({
    TEMPORAL_ADDRESS: server,
    TEMPORAL_TLS: 'true',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: ca,
    TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: client.key,
    ...variables,
  });
  const fault = await connectionFault(temporal, new Error('Failed to connect before the deadline'));
  return fault === null ? undefined : `${fault.what}. ${fault.todo}`;
}

describe('a Temporal that cannot be used', () => {
  it('is not the fault of the settings where they are right', async () => {
    expect(await found({})).toBeUndefined();
  });

  it('with a wrong authority names the variable of the authority', async () => {
    expect(await found({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: credentials.otherCa })).toMatch(
      /not trusted here\. .*TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
    );
  });

  it('with a name that its certificate has not names the variable of the name', async () => {
    expect(await found({ TEMPORAL_TLS_SERVER_NAME: 'temporal.example' })).toMatch(/TEMPORAL_TLS_SERVER_NAME/);
  });

  it('without a client certificate names the variables of it', async () => {
    const none = { TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' };
    expect(await found(none)).toMatch(/wants a client certificate.*TEMPORAL_TLS_CLIENT_CERT_PATH/);
  });

  it('with a client certificate of a stranger says that this one is not taken', async () => {
    const { cert, key } = credentials.otherClient;
    const other = { TEMPORAL_TLS_CLIENT_CERT_PATH: cert, TEMPORAL_TLS_CLIENT_KEY_PATH: key };
    expect(await found(other)).toMatch(/does not take this client certificate/);
  });

  it('with TLS on one side only says on which', async () => {
    expect(await found({}, addressOf(plain))).toMatch(/does not speak TLS/);
    const none = Object.fromEntries(
      ['SERVER_CA_CERT_PATH', 'CLIENT_CERT_PATH', 'CLIENT_KEY_PATH'].map((name) => [`TEMPORAL_TLS_${name}`, '']),
    );
    expect(await found({ ...none, TEMPORAL_TLS: '' })).toMatch(/TEMPORAL_TLS=true/);
  });

  it('with a key that it refuses names the variable of the key, and never the key', async () => {
    const access = { address: 'temporal.example:7233', namespace: 'orders', apiKey: 'hunter2' };
    // As the worker's library says it.
    const error = new Error(
      "Failed to call GetSystemInfo: code: 'The caller does not have permission to execute the specified operation'",
    );
    const fault = await connectionFault(access, error);
    expect(JSON.stringify(fault)).toMatch(/^(?!.*hunter2).*TEMPORAL_API_KEY.*orders/);
  });
});
