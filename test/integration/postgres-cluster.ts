import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { createPool } from '../../src/registry/pool.js';
import { debianPostgresDirectories, whichAll } from '../../src/stack/locate.js';
import { choosePorts, portOf } from '../../src/stack/ports.js';
import { unprivilegedUser } from '../../src/stack/users.js';
import { eventually } from './installation.js';

const user = unprivilegedUser();
/** PostgreSQL and PgBouncer refuse to run as root. */
const asUser = user === undefined ? {} : { uid: user.uid, gid: user.gid };

const NEEDED = ['initdb', 'postgres', 'pg_basebackup', 'psql'];

/** Where PostgreSQL's programs are, its clients too; undefined where some are missing. */
export async function postgresPrograms(): Promise<string | undefined> {
  for (const folder of [...debianPostgresDirectories(), ...whichAll(['initdb'], process.env).map(dirname)]) {
    const { exitCode } = await execa('test', NEEDED.flatMap((name) => ['-a', '-x', join(folder, name)]).slice(1), {
      reject: false,
    });
    if (exitCode === 0) return folder;
  }
  return undefined;
}

/** Makes a folder that the servers' user can write to. */
export async function folderOf(parent: string, name: string): Promise<string> {
  await chmod(parent, 0o755);
  const folder = join(parent, name);
  await mkdir(folder, { recursive: true });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

/** A file that only the servers' user reads. */
export async function ownFile(from: string, to: string): Promise<string> {
  await copyFile(from, to);
  await chmod(to, 0o600);
  if (user !== undefined) await chown(to, user.uid, user.gid);
  return to;
}

/** Starts a program as the servers' user; it ends with `kill`. */
export function startAsUser(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Running {
  const child = spawn(program, args, { ...asUser, env, stdio: 'ignore' });
  return new Running(child);
}

class Running {
  constructor(private readonly child: ChildProcess) {}

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}

/** A PostgreSQL of a test's own, whose superuser is "registrar". */
export class PostgresServer {
  #running: Running | undefined;

  private constructor(
    private readonly bin: string,
    private readonly data: string,
    readonly port: number,
  ) {}

  /** @param hba lines of pg_hba.conf; all may connect without a password by default */
  static async create(bin: string, folder: string, hba: readonly string[]): Promise<PostgresServer> {
    const data = join(await folderOf(folder, 'primary'), 'data');
    const args = ['-D', data, '-U', 'registrar', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
    await execa(join(bin, 'initdb'), args, { ...asUser, cwd: '/' });
    await writeFile(join(data, 'pg_hba.conf'), `${hba.join('\n')}\n`);
    return new PostgresServer(bin, data, portOf(await choosePorts({ sql: 25432 }), 'sql'));
  }

  /** A standby of this one, which follows it. */
  async standby(folder: string): Promise<PostgresServer> {
    const data = join(await folderOf(folder, 'standby'), 'data');
    const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'registrar'];
    const args = [...from, '-D', data, '-R', '--checkpoint=fast', '--no-sync'];
    await execa(join(this.bin, 'pg_basebackup'), args, { ...asUser, cwd: '/', env: {}, extendEnv: false });
    return new PostgresServer(this.bin, data, portOf(await choosePorts({ sql: 25442 }), 'sql'));
  }

  get url(): string {
    return `postgresql://registrar@127.0.0.1:${this.port}/postgres`;
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = { listen_addresses: '127.0.0.1', port: String(this.port), unix_socket_directories: '', fsync: 'off' };
    const options = Object.entries({ ...all, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#running = startAsUser(join(this.bin, 'postgres'), ['-D', this.data, ...options]);
    await eventually('PostgreSQL answers', 30, () =>
      this.ask('select true as up').then(
        () => true,
        () => false,
      ),
    );
  }

  async ask<Row extends object>(text: string): Promise<Row[]> {
    const pool = createPool(this.url, { max: 1 });
    try {
      return (await pool.query<Row>(text)).rows;
    } finally {
      await pool.end();
    }
  }

  /** psql, with a URL as we take it. */
  async psql(url: string, text: string): Promise<string | null> {
    const { stdout, failed } = await execa(join(this.bin, 'psql'), ['-XAtqc', text, url], {
      reject: false,
      env: { HOME: '/nowhere', PATH: process.env['PATH'] },
      extendEnv: false,
    });
    return failed ? null : stdout;
  }

  async kill(signal: NodeJS.Signals = 'SIGQUIT'): Promise<void> {
    await this.#running?.kill(signal);
  }
}
