import { execa } from 'execa';
import { which } from '../../src/stack/locate.js';
import { userCacheRoot } from '../../src/stack/provision/context.js';
import { installDir } from '../../src/stack/provision/install.js';
import { TEMPORAL_CLI } from '../../src/stack/provision/temporal.js';

/** Temporal's own command line, as a person uses it beside `registrar`. @returns what it printed */
export async function temporalCli(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const program = which(['temporal'], env) ?? `${installDir(userCacheRoot(env), TEMPORAL_CLI)}/${TEMPORAL_CLI.program}`;
  const { all } = await execa(program, args, { env, extendEnv: false, all: true });
  return all;
}
