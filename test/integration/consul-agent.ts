import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { which } from '../../src/stack/locate.js';
import { CONSUL } from '../../src/stack/provision/consul.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { installDir } from '../../src/stack/provision/install.js';
import { choosePorts } from '../../src/stack/ports.js';
import { makeCertificates } from '../run/certificates.js';
import { eventually } from './installation.js';

export type Environment = Readonly<Record<string, string>>;

/**
 * A Consul that trusts nobody: access rules that deny by default, https with a private CA and for clients with a
 * certificate only. The server's certificate is for "localhost", ::1 and "server.dc1.consul". Without TLS it is reached
 * by a socket, and by a proxy with a password and a path.
 */
export interface ConsulAgent {
  /** The environment of a client by https, without a token. */
  readonly https: Environment;
  readonly port: number;
  readonly capath: string;
  readonly socket: string;
  readonly proxy: Environment;
  /** A call with all rights. */
  readonly manage: (method: string, path: string, body?: object) => Promise<{ status: number; body: string }>;
  /** Consul's own command line. */
  readonly cli: (env: Environment, ...args: string[]) => Promise<{ ok: boolean; text: string }>;
  readonly stop: () => Promise<void>;
}

/** @param folder where certificates and the socket are made */
export async function startConsul(folder: string): Promise<ConsulAgent> {
  const program = which(['consul'], process.env) ?? join(installDir(userCacheRoot(process.env), CONSUL), 'consul');
  const manager = randomUUID();
  const { ca, server, client } = makeCertificates(folder, 'DNS:localhost,DNS:server.dc1.consul,IP:::1', 'registrar');
  const capath = join(folder, 'capath');
  mkdirSync(capath);
  copyFileSync(ca, join(capath, 'private.pem'));
  const socket = join(folder, 'consul.sock');
  const { port = 0, rpc = 0, serf = 0 } = await choosePorts({ port: 28501, rpc: 28300, serf: 28301 });
  const settings = `
    acl { enabled = true default_policy = "deny" tokens { initial_management = "${manager}" } }
    addresses { https = "127.0.0.1 ::1" http = "unix://${socket}" }
    tls { https { ca_file = "${ca}" cert_file = "${server.cert}" key_file = "${server.key}" verify_incoming = true } }`;
  const agent = spawn(
    program,
    [
      ...['agent', '-dev', '-log-level=err', `-hcl=${settings}`, `-https-port=${port}`, `-server-port=${rpc}`],
      ...[`-serf-lan-port=${serf}`, '-serf-wan-port=-1', '-dns-port=-1', '-grpc-port=-1', '-grpc-tls-port=-1'],
    ],
    { stdio: 'ignore' },
  );
  const manage = (method: string, path: string, body?: object): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const headers = { 'x-consul-token': manager };
      const call = request({ socketPath: socket, path: `/v1/${path}`, method, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  await eventually('Consul knows its manager', 40, () =>
    manage('GET', 'acl/token/self').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  const proxy = await startProxy(socket);
  return {
    https: {
      CONSUL_HTTP_ADDR: `https://localhost:${port}`,
      CONSUL_CACERT: ca,
      CONSUL_CLIENT_CERT: client.cert,
      CONSUL_CLIENT_KEY: client.key,
    },
    port,
    capath,
    socket,
    proxy: proxy.env,
    manage,
    async cli(env, ...args) {
      const { exitCode, all } = await execa(program, args, { env, extendEnv: false, reject: false, all: true });
      return { ok: exitCode === 0, text: all };
    },
    async stop() {
      proxy.stop();
      agent.kill('SIGKILL');
      await once(agent, 'exit');
    },
  };
}

/** A proxy in front of a Consul, which has it below a path and asks for a password. */
async function startProxy(socketPath: string): Promise<{ env: Environment; stop: () => void }> {
  const auth = 'proxy:pass:word';
  const server = createServer((incoming, outgoing) => {
    const { url = '', method, headers } = incoming;
    const isKnown = headers.authorization === `Basic ${Buffer.from(auth).toString('base64')}`;
    if (!isKnown || !url.startsWith('/some/consul/v1/')) return outgoing.writeHead(isKnown ? 404 : 401).end();
    const path = url.slice('/some/consul'.length);
    const call = request({ socketPath, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    call.on('error', () => outgoing.destroy());
    incoming.pipe(call);
    return outgoing;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    env: { CONSUL_HTTP_ADDR: `http://127.0.0.1:${port}/some/consul`, CONSUL_HTTP_AUTH: auth },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
