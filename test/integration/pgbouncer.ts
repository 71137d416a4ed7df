import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { choosePorts, portOf } from '../../src/stack/ports.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { folderOf, startAsUser } from './postgres-cluster.js';

/**
 * PgBouncer as Debian has it: installed, or unpacked where the servers' user reaches it; undefined where it cannot be
 * had. The user's cache keeps the packages.
 */
export async function findPgBouncer(folder: string): Promise<string | undefined> {
  const installed = ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer'].find((path) => existsSync(path));
  if (installed !== undefined) return installed;
  const cache = join(userCacheRoot(process.env), 'pgbouncer');
  await mkdir(cache, { recursive: true });
  const archives = async () => (await readdir(cache)).filter((name) => name.endsWith('.deb'));
  const packages = ['pgbouncer', 'libevent-2.1-7', 'libc-ares2'];
  if ((await archives()).length < packages.length)
    await execa('apt-get', ['download', ...packages], { cwd: cache, reject: false });
  const home = await folderOf(folder, 'pgbouncer');
  for (const archive of await archives()) await execa('dpkg', ['-x', join(cache, archive), home]);
  const unpacked = join(home, 'usr/sbin/pgbouncer');
  return existsSync(unpacked) ? unpacked : undefined;
}

/** A PgBouncer before a PostgreSQL, with fewer sessions than it has clients. */
export async function startPgBouncer(
  program: string,
  folder: string,
  { mode, target }: { readonly mode: 'session' | 'transaction'; readonly target: number },
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const home = await folderOf(folder, `pgbouncer-${mode}`);
  const port = portOf(await choosePorts({ pooler: 26432 }), 'pooler');
  const lines = [
    ...['[databases]', `* = host=127.0.0.1 port=${target}`, '[pgbouncer]', `pool_mode = ${mode}`],
    ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir =', 'auth_type = trust'],
    ...[`auth_file = ${join(home, 'users')}`, `default_pool_size = ${mode === 'transaction' ? 4 : 40}`],
    'ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout',
  ];
  await writeFile(join(home, 'users'), '"registrar_owner" ""\n"registrar_run" ""\n');
  await writeFile(join(home, 'pgbouncer.ini'), `${lines.join('\n')}\n`);
  const libraries = join(program, '../../lib/x86_64-linux-gnu');
  // As root it would ask for a user; it is started as one.
  const running = startAsUser(program, [join(home, 'pgbouncer.ini')], { ...process.env, LD_LIBRARY_PATH: libraries });
  return { port, stop: () => running.kill('SIGKILL') };
}
