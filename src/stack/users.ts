import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { hasCode, StackError } from './state/errors.js';

/** A user of this machine to run a server as. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that PostgreSQL must run as, because it refuses root: undefined when the current user is not root and
 * can run it by itself.
 */
export function unprivilegedUser(passwd = () => readFileSync('/etc/passwd', 'utf8')): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = parsePasswd(passwd());
  const user = users.get('postgres') ?? users.get('nobody');
  if (user === undefined) {
    throw new StackError(
      'PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody to run it as.',
    );
  }
  return user;
}

function parsePasswd(text: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || gid === undefined || uid === '') continue;
    users.set(name, { name, uid: Number(uid), gid: Number(gid) });
  }
  return users;
}

/**
 * Whether a user can get at a path, i.e. may pass through every directory above it; parts that are missing do not
 * count.
 */
export function isReachable(path: string, user: User | undefined): boolean {
  if (user === undefined) return true;
  for (let directory = dirname(resolve(path)); ; directory = dirname(directory)) {
    if (!mayPass(directory, user)) return false;
    if (directory === dirname(directory)) return true;
  }
}

function mayPass(directory: string, user: User): boolean {
  try {
    const { mode, uid, gid } = statSync(directory);
    if (uid === user.uid) return (mode & 0o100) !== 0;
    if (gid === user.gid) return (mode & 0o010) !== 0;
    return (mode & 0o001) !== 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}
