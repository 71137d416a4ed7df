import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig, type Config } from '../../config.js';
import { loadContracts, type Contracts } from '../../contracts/load.js';
import { startStack, type OnProgress, type RunningStack } from '../../stack/index.js';
import { runningState } from '../../stack/state/state.js';
import { logger } from '../../telemetry.js';
import type { Child } from '../processes/children.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { statesOf, type States } from '../terminal/states.js';
import { linksOf, type Links } from '../terminal/links.js';
import { prepare } from '../setup/prepare.js';
import { reportProblems } from './self-check.js';

export interface RegistrarOptions {
  /** The worker and the bridge, started and waiting for `go`. */
  readonly children: readonly Child[];
  /** false: no server is started, those of the configuration are used. */
  readonly ownServers: boolean;
  readonly onProgress: OnProgress;
  /** Gives up starting. */
  readonly signal: AbortSignal;
  /** Called when the topics are there: nodes may listen from then on. */
  readonly onPrepared?: (config: Config, contracts: Contracts) => void;
}

/** Servers, worker and bridge, all of them working. */
export interface Registrar {
  readonly config: Config;
  readonly contracts: Contracts;
  readonly states: States;
  readonly links: Links;
  /** When the servers answered: what comes after is the registrar's own time. */
  readonly serversUpAt: number;
  /** Resolves with the reason when one of the children or servers has ended by itself. */
  readonly broken: Promise<CliError>;
  /** Stops in order: bridge, worker, servers. */
  stop(): Promise<void>;
}

/**
 * Brings everything up: the servers, then what they must hold (tables, topics,
 * search attributes), then worker and bridge. The worker begins while the
 * servers still start, because bundling the workflows lasts as long as they do;
 * the bridge begins when its topics are there, for it would only wait for them.
 */
export async function startRegistrar(options: RegistrarOptions): Promise<Registrar> {
  const { children, ownServers, onProgress, signal } = options;
  const contracts = loadContracts(loadConfig().contractsDir);
  const broken = whenOneEnds(children);
  const giveUp = new AbortController();
  let starting: Promise<RunningStack> | undefined;
  const stop = async (): Promise<void> => {
    broken.expectEnds();
    giveUp.abort(new Error('stopped'));
    for (const role of ['bridge', 'worker'] as const) await childOf(children, role).stop();
    const [started] = await Promise.allSettled([starting]);
    // Servers that did not all start have been stopped already.
    if (started.status === 'fulfilled') await started.value?.stop();
  };
  try {
    let stack: RunningStack | undefined;
    if (ownServers) {
      starting = startServers({ ...options, signal: AbortSignal.any([signal, giveUp.signal]) });
      stack = await Promise.race([starting, broken.promise.then(fail)]);
      stack.onServerExit((exit) => broken.report(new CliError(exit.message, EXIT.unreachable)));
    } else childOf(children, 'worker').go();
    const serversUpAt = Date.now();
    const config = loadConfig();
    await prepare(config, contracts, (text) => onProgress({ kind: 'step', about: 'registrar', text }));
    signal.throwIfAborted();
    options.onPrepared?.(config, contracts);
    const bridge = childOf(children, 'bridge');
    bridge.go();
    await Promise.race([
      Promise.all([bridge.ready(), childOf(children, 'worker').ready(), reportProblems(config, contracts, onProgress)]),
      broken.promise.then(fail),
    ]);
    onProgress({ kind: 'ready', about: 'registrar', text: 'worker and bridge run', ms: Date.now() - serversUpAt });
    return {
      config,
      contracts,
      states: statesOf(contracts.compiled),
      links: linksOf(config, stack?.addresses.temporalUi),
      serversUpAt,
      broken: broken.promise,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function fail(error: Error): never {
  throw error;
}

function childOf(children: readonly Child[], role: Child['role']): Child {
  const child = children.find((one) => one.role === role);
  if (child === undefined) throw new Error(`no ${role} was started`);
  return child;
}

/** Starts the servers, and the worker as soon as their addresses are known. */
async function startServers({ children, onProgress, signal }: RegistrarOptions): Promise<RunningStack> {
  const { dataDir } = loadConfig();
  const giveUp = new AbortController();
  const starting = startStack({ dataDir, env: process.env, onProgress, logger: logger('stack'), signal });
  // The race below may be decided without it; whoever awaits it here gets its error.
  const known = addressesKnown(dataDir, giveUp.signal).then((itIs) => {
    if (!itIs) return;
    for (const child of children) if (child.logFile === null) child.logTo(join(dataDir, 'logs', `${child.role}.log`));
    childOf(children, 'worker').go();
  });
  try {
    return await starting;
  } finally {
    giveUp.abort();
    await known;
  }
}

/** The stack writes its addresses down before the servers have started; true once they are ours. */
async function addressesKnown(dataDir: string, signal: AbortSignal): Promise<boolean> {
  while (runningState(dataDir)?.owner.pid !== process.pid) {
    if (signal.aborted) return false;
    await delay(20);
  }
  return true;
}

interface Broken {
  readonly promise: Promise<CliError>;
  report(error: CliError): void;
  /** From now on an end is no accident. */
  expectEnds(): void;
}

function whenOneEnds(children: readonly Child[]): Broken {
  let report: (error: CliError) => void = () => undefined;
  const promise = new Promise<CliError>((resolve) => (report = resolve));
  let expected = false;
  for (const child of children) {
    void child.exited.then(({ code, signal }) => {
      if (expected) return;
      const how = signal === null ? `with exit code ${code ?? 'unknown'}` : `by ${signal}`;
      const lines = child.lastLines();
      report(
        new CliError(
          `The ${child.role} (process ${child.pid}) has ended by itself, ` +
            `${how}.${lines === '' ? '' : `\nThe end of its log:\n${lines}`}`,
          EXIT.failed,
          {
            ...(child.logFile === null ? {} : { hint: `Its whole log: ${child.logFile}` }),
          },
        ),
      );
    });
  }
  return { promise, report, expectEnds: () => (expected = true) };
}
