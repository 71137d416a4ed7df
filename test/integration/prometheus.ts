import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { choosePorts, portOf } from '../../src/stack/ports.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { temporaryFolder } from '../run/temporary-folder.js';

/** Where Prometheus and promtool are. */
export interface Programs {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Finds Prometheus: on the PATH, or in the user's cache, or in Debian's package, which is unpacked there once.
 *
 * @returns undefined where it can be had in none of these ways
 */
export async function findPrometheus(): Promise<Programs | undefined> {
  const onPath = await execa('which', ['prometheus', 'promtool'], { reject: false });
  const [prometheus, promtool] = onPath.stdout.split('\n');
  if (onPath.exitCode === 0 && prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const cache = join(userCacheRoot(process.env), 'prometheus');
  const unpacked = { prometheus: join(cache, 'usr/bin/prometheus'), promtool: join(cache, 'usr/bin/promtool') };
  if (!existsSync(unpacked.prometheus)) await unpack(cache);
  return existsSync(unpacked.prometheus) ? unpacked : undefined;
}

async function unpack(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const got = await execa('apt-get', ['download', 'prometheus'], { cwd: cache, reject: false });
  const [archive] = (await readdir(cache)).filter((name) => name.endsWith('.deb'));
  if (got.failed || archive === undefined) return;
  await execa('dpkg', ['-x', join(cache, archive), cache]);
}

/** A Prometheus that scrapes every second. */
export class Prometheus {
  private constructor(
    private readonly url: string,
    private readonly process: ReturnType<typeof spawn>,
  ) {}

  /** @param targets host:port by job */
  static async start({ prometheus }: Programs, targets: Readonly<Record<string, string>>): Promise<Prometheus> {
    const folder = temporaryFolder('prometheus');
    const jobs = Object.entries(targets).map(([job_name, target]) => ({
      job_name,
      static_configs: [{ targets: [target] }],
    }));
    // JSON is YAML.
    const config = { global: { scrape_interval: '1s' }, scrape_configs: jobs };
    await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config));
    const address = `127.0.0.1:${portOf(await choosePorts({ prometheus: 9090 }), 'prometheus')}`;
    const args = [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ];
    return new Prometheus(`http://${address}`, spawn(prometheus, args, { stdio: 'ignore' }));
  }

  /** The value of each series that an expression finds; none while Prometheus does not answer yet. */
  async query(
    expression: string,
  ): Promise<{ readonly metric: Readonly<Record<string, string>>; readonly value: number }[]> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => null);
    if (response === null || response.status === 503) return [];
    const body = (await response.json()) as {
      readonly error?: string;
      readonly data?: { readonly result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    if (body.data === undefined) throw new Error(`${expression}: ${body.error}`);
    return body.data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }
}
