import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { choosePorts } from '../../../src/stack/ports.js';
import { userCacheRoot } from '../../../src/stack/provision/context.js';

const VERSION = '2.12.0';
/** What a proxy still holds is let through before it changes. */
const ANSWERS_WITHIN_MS = 30_000;

/** Shopify's toxiproxy: TCP proxies that can be made slow, silent or gone. */
export class Toxiproxy {
  private constructor(
    private readonly server: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(): Promise<Toxiproxy> {
    const program = await provision();
    const { toxiproxy: port = 0 } = await choosePorts({ toxiproxy: 8474 });
    const server = spawn(program, ['-host', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' });
    const proxy = new Toxiproxy(server, `http://127.0.0.1:${port}`);
    const answers = (): Promise<boolean> =>
      proxy.#ask('GET', '/version').then(
        () => true,
        () => false,
      );
    while (!(await answers())) {
      if (server.exitCode !== null) throw new Error(`toxiproxy ended with ${server.exitCode} before it answered`);
      await delay(50);
    }
    return proxy;
  }

  /** @returns the port on 127.0.0.1 that leads to the address */
  async to(name: string, upstream: string): Promise<number> {
    const { listen } = (await this.#ask('POST', '/proxies', {
      name,
      upstream,
      listen: '127.0.0.1:0',
      enabled: true,
    })) as { readonly listen: string };
    return Number(listen.slice(listen.lastIndexOf(':') + 1));
  }

  /** Nothing gets through, and no connection ends. */
  async silence(name: string): Promise<void> {
    for (const stream of ['upstream', 'downstream'])
      await this.#ask('POST', `/proxies/${name}/toxics`, { type: 'timeout', stream, attributes: { timeout: 0 } });
  }

  /** Connections are reset, and new ones refused. */
  async refuse(name: string): Promise<void> {
    await this.#ask('POST', `/proxies/${name}`, { enabled: false });
  }

  /** Answers come later by so much; requests arrive as ever. */
  async slow(name: string, latency: number): Promise<void> {
    const attributes = { latency, jitter: 0 };
    await this.#ask('POST', `/proxies/${name}/toxics`, { type: 'latency', stream: 'downstream', attributes });
  }

  /**
   * All is well again, everywhere. Connections that were silent are closed, and slow ones end first: on a busy
   * machine that takes longer than toxiproxy waits for it (503), and it goes on.
   */
  async restore(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#ask('POST', '/reset');
        return;
      } catch (error) {
        if (tries === 4 || !(error instanceof Error && error.message.includes('answers 503'))) throw error;
      }
    }
  }

  async end(): Promise<void> {
    this.server.kill('SIGKILL');
    if (this.server.exitCode === null && this.server.signalCode === null) await once(this.server, 'exit');
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy answers ${response.status} to ${method} ${path}: ${text}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  }
}

/** Built once for this user, from the Go module proxy (a minute and a half), where TOXIPROXY_SERVER names none. */
async function provision(): Promise<string> {
  const given = process.env['TOXIPROXY_SERVER'];
  if (given !== undefined && given !== '') return given;
  const directory = join(userCacheRoot(process.env), `toxiproxy-${VERSION}`);
  const program = join(directory, 'server');
  if (existsSync(program)) return program;
  await mkdir(directory, { recursive: true });
  await execa('go', ['install', '-trimpath', `github.com/Shopify/toxiproxy/v2/cmd/server@v${VERSION}`], {
    env: { GOBIN: directory },
  });
  return program;
}
