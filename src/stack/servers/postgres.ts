import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { chown, lstat, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { debianPostgresDirectories, whichAll } from '../locate.js';
import { NPM, TAR } from '../prerequisites.js';
import { SYSTEM_CACHE_ROOT } from '../provision/context.js';
import { installPostgres, PROVISIONED_POSTGRES_MAJOR, provisionedPostgresBin } from '../provision/postgres.js';
import { portOf } from '../ports.js';
import { hasCode, StackError } from '../state/errors.js';
import { isReachable, unprivilegedUser, type User } from '../users.js';
import type { FindContext, Installed, LaunchContext, ServerKind } from './kind.js';

const DATABASE = 'registrar';
const ROLE = 'registrar';

/** Where the data goes when root's own directories are closed to the user that PostgreSQL must run as. */
export const SYSTEM_DATA_ROOT = '/var/lib/node-registrar';

/** PostgreSQL, listening on 127.0.0.1 only and trusting whoever connects there. */
export const postgres: ServerKind = {
  name: 'postgres',
  title: 'PostgreSQL',
  variable: 'DATABASE_URL',
  usualPorts: { sql: 5432 },
  startWithinMs: 60_000,
  provisionNeeds: [NPM, TAR],

  find(context) {
    const found = binDirectories(context);
    const wanted = dataVersion(context.directory);
    if (wanted === undefined) return found[0] === undefined ? undefined : installed(found[0]);
    // Data of one major version can only be opened by that version.
    const fitting = found.find((directory) => majorVersion(directory) === wanted);
    if (fitting !== undefined) return installed(fitting);
    if (wanted === PROVISIONED_POSTGRES_MAJOR) return undefined;
    throw new StackError(
      `The data in ${context.directory} was made by PostgreSQL ${wanted}, which is not on this machine any more. ` +
        `Put PostgreSQL ${wanted} on PATH, or remove the data with 'registrar wipe'.`,
    );
  },

  async provision(context) {
    return installed(await installPostgres({ ...context, cacheRoot: reachableCacheRoot(context.cacheRoot) }));
  },

  addresses(ports) {
    return { postgres: `postgresql://${ROLE}@127.0.0.1:${portOf(ports, 'sql')}/${DATABASE}` };
  },

  async probe({ postgres: url }) {
    await withClient(url, (client) => client.query('SELECT 1'));
  },
};

function binDirectories({ env, cacheRoot }: FindContext): string[] {
  const onPath = whichAll(['postgres'], env, debianPostgresDirectories()).map((path) => dirname(path));
  const directories = [...onPath, provisionedPostgresBin(reachableCacheRoot(cacheRoot))];
  return directories.filter(
    (directory) => existsSync(join(directory, 'postgres')) && existsSync(join(directory, 'initdb')),
  );
}

function reachableCacheRoot(cacheRoot: string): string {
  return isReachable(join(cacheRoot, 'x'), unprivilegedUser()) ? cacheRoot : SYSTEM_CACHE_ROOT;
}

/** The major version that a data directory was made by; undefined when there is none yet. */
function dataVersion(directory: string): number | undefined {
  try {
    return Number(readFileSync(join(directory, 'data', 'PG_VERSION'), 'utf8').trim());
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function majorVersion(binDirectory: string): number | undefined {
  const text = execFileSync(join(binDirectory, 'postgres'), ['--version'], { encoding: 'utf8' });
  const major = /PostgreSQL\) (\d+)/.exec(text)?.[1];
  return major === undefined ? undefined : Number(major);
}

function installed(binDirectory: string): Installed {
  const program = (name: string) => join(binDirectory, name);
  return {
    where: `PostgreSQL in ${binDirectory}`,
    needs: [],
    async launch(context) {
      const user = userToRunAs(context.directory);
      const home = await dataHome(context, user);
      const data = join(home, 'data');
      const identity = user === undefined ? {} : { user: { uid: user.uid, gid: user.gid } };
      if (!existsSync(data)) await initialise(program, home, data, context, identity);
      await removeStalePidFile(data);
      const settings = {
        listen_addresses: '127.0.0.1',
        port: String(portOf(context.ports, 'sql')),
        // Clients come over TCP; a socket file would need a directory that both users can reach, with a short path.
        unix_socket_directories: '',
        // There is nobody to replicate to.
        wal_level: 'minimal',
        max_wal_senders: '0',
      };
      const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
      // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
      return {
        command: program('postgres'),
        args,
        env: context.env,
        cwd: home,
        stopSignal: 'INT',
        graceSeconds: 8,
        ...identity,
      };
    },
  };
}

/** For root: whoever owns the data already (it may have been made before without root), else an unprivileged user. */
function userToRunAs(directory: string): User | undefined {
  const user = unprivilegedUser();
  const owner = statSync(join(directory, 'data'), { throwIfNoEntry: false });
  if (user === undefined || owner === undefined || owner.uid === 0) return user;
  return { name: `#${owner.uid}`, uid: owner.uid, gid: owner.gid };
}

/**
 * The directory that holds the data: the stack's own, or a system directory with a link to it, when the user that
 * PostgreSQL runs as may not pass through the directories above (a checkout below /root, log).
 */
async function dataHome({ directory, step }: LaunchContext, user: User | undefined): Promise<string> {
  const linked = linkTarget(directory);
  if (linked !== undefined) return ownedBy(user, linked);
  if (isReachable(directory, user) || existsSync(join(directory, 'data'))) return ownedBy(user, directory);
  const home = join(SYSTEM_DATA_ROOT, createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16));
  step(
    `its data is kept in ${home}, because user ${user?.name ?? ''} cannot reach ${directory}; a link there leads to it`,
  );
  // Data of an earlier directory of the same path, removed by hand together with its link, belongs to nobody.
  await rm(home, { recursive: true, force: true });
  await ownedBy(user, home);
  await symlink(home, directory);
  return home;
}

async function ownedBy(user: User | undefined, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  if (user !== undefined && (await lstat(directory)).uid !== user.uid) await chown(directory, user.uid, user.gid);
  return directory;
}

/** Where a link leads; undefined when there is no link. */
function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

type AsUser = { user?: { uid: number; gid: number } };

async function initialise(
  program: (name: string) => string,
  home: string,
  data: string,
  context: LaunchContext,
  { user }: AsUser,
): Promise<void> {
  context.step('creating the database');
  // Renamed when it is whole, so that an interrupted run leaves nothing that looks like a database.
  const draft = `${data}.new`;
  await rm(draft, { recursive: true, force: true });
  const options = { cwd: home, env: { ...context.env }, extendEnv: false, ...user };
  await execa(
    program('initdb'),
    ['-D', draft, '-U', ROLE, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    options,
  );
  // Without a server there is nobody yet who could connect to a database that is not there.
  await execa(program('postgres'), ['--single', '-D', draft, 'postgres'], {
    ...options,
    input: `CREATE DATABASE ${DATABASE}\n`,
  });
  await rename(draft, data);
}

/**
 * After a kill -9 the file with the server's process id stays. PostgreSQL looks only whether some process has that
 * id, and in a container, where few ids are used, a restart often meets another one: then it would refuse to start.
 */
async function removeStalePidFile(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (isWorkingIn(pid, data))
    throw new StackError(`Another PostgreSQL, process ${pid}, uses ${data}. Stop it first: kill -INT ${pid}`);
  await rm(file, { force: true });
}

/** PostgreSQL makes its data directory its working directory. */
function isWorkingIn(pid: number, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return false;
    throw error;
  }
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  // A server that goes away meanwhile fails the query; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
