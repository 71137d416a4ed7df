import { loadConfig, type Config } from '../../config/index.js';
import { loadContracts, type Contracts } from '../../contracts/load.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import type { Child } from '../processes/children.js';
import { linksOf, withServices, type Links } from '../terminal/links.js';
import { statesOf, type States } from '../terminal/states.js';
import { whenOneEnds } from './broken.js';
import { reportProblems } from './self-check.js';
import { Servers, type RegistrarOptions } from './servers.js';

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
  /** Stops bridge and worker side by side, then the servers: neither waits for the other. */
  stop(): Promise<void>;
}

/**
 * Brings everything up: the servers side by side, and with each of them what it must hold (tables, topics, search
 * attributes). The worker begins when the servers' addresses are known: it bundles the workflows while they start. The
 * bridge begins when its topics are there, for it would only wait for them. Meanwhile each connection is checked once.
 */
export async function startRegistrar(options: RegistrarOptions): Promise<Registrar> {
  const { children, onProgress, signal } = options;
  const contracts = loadContracts(loadConfig().contractsDir);
  const [worker, bridge] = [childOf(children, 'worker'), childOf(children, 'bridge')];
  const broken = whenOneEnds(children);
  const servers = new Servers(options, contracts);
  const stop = async (): Promise<void> => {
    broken.expectEnds();
    servers.giveUp();
    await Promise.all([bridge.stop(), worker.stop()]);
    await servers.stop();
  };
  const unlessBroken = <T>(work: Promise<T>): Promise<T> => Promise.race([work, broken.promise.then(fail)]);
  try {
    const stack = await unlessBroken(servers.start(worker));
    stack?.onServerExit((exit) => broken.report(new CliError(exit.message, EXIT.unreachable)));
    const serversUpAt = Date.now();
    await unlessBroken(servers.prepared());
    signal.throwIfAborted();
    const config = loadConfig();
    options.onPrepared?.(config, contracts);
    bridge.go();
    await unlessBroken(Promise.all([bridge.ready(), worker.ready(), reportProblems(config, contracts, onProgress)]));
    onProgress({ kind: 'ready', about: 'registrar', text: 'worker and bridge run', ms: Date.now() - serversUpAt });
    return {
      config,
      contracts,
      states: statesOf(contracts.compiled),
      links: await withServices(linksOf(config, stack?.addresses.temporalUi), config),
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
