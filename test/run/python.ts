import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const REQUIREMENTS = join(import.meta.dirname, '../python/requirements.txt');

/**
 * The environment of a Python that has the packages of test/python/requirements.txt. They are installed once, beside
 * the system's own and without touching them.
 *
 * @throws Error with pip's own words when they cannot be installed: a test that needs them fails
 */
export async function pythonEnvironment(): Promise<Readonly<Record<string, string>>> {
  const { stdout: version } = await execa('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const packages = join(cache, 'node-registrar', 'python', `api-${version}-${digest}`);
  if (!existsSync(packages)) await install(packages);
  return { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' };
}

/** Beside its place first: whoever looks meanwhile finds nothing, or all of it. */
async function install(packages: string): Promise<void> {
  const making = `${packages}-${process.pid}`;
  await mkdir(making, { recursive: true });
  try {
    const options = ['--disable-pip-version-check', '--no-warn-script-location', '--only-binary', ':all:'];
    await execa('python3', ['-m', 'pip', 'install', ...options, '--target', making, '--requirement', REQUIREMENTS]);
    // Another process has installed them meanwhile: one is as good as the other.
    if (!existsSync(packages)) await rename(making, packages);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}
