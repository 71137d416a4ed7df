import { join } from 'node:path';
import { loadConfig, type Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { startStack, type OnProgress, type RunningStack, type ServerName } from '../../stack/index.js';
import { logger } from '../../telemetry.js';
import type { Child } from '../processes/children.js';
import { prepare, prepareServer } from '../setup/prepare-servers.js';

/** How a registrar is started. */
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

/** The servers of a start: ours, or those of the configuration. Each is prepared as soon as it answers. */
export class Servers {
  readonly #giveUp = new AbortController();
  readonly #preparing: Promise<void>[] = [];
  #starting: Promise<RunningStack> | undefined;

  constructor(
    private readonly options: RegistrarOptions,
    private readonly contracts: Contracts,
  ) {}

  /**
   * Starts our servers, and the worker when their addresses are known.
   *
   * @returns undefined when no server is ours
   */
  async start(worker: Child): Promise<RunningStack | undefined> {
    const { children, ownServers, onProgress, signal } = this.options;
    if (!ownServers) {
      // Others may run beside us on the same directory.
      for (const { role, pid, logTo } of children) logTo(join(loadConfig().dataDir, 'logs', `${role}-${pid}.log`));
      worker.go();
      this.#keep(prepare(loadConfig(), this.contracts, this.#print));
      return undefined;
    }
    const { dataDir } = loadConfig();
    this.#starting = startStack({
      dataDir,
      env: process.env,
      onProgress,
      logger: logger('stack'),
      signal: AbortSignal.any([signal, this.#giveUp.signal]),
      onAddresses() {
        for (const { role, logTo } of children) logTo(join(dataDir, 'logs', `${role}.log`));
        worker.go();
      },
      onServerUp: (name) => this.#prepare(name),
    });
    return this.#starting;
  }

  /** Resolves when every server that answers holds what it must. @throws CliError of the first that failed */
  async prepared(): Promise<void> {
    await Promise.all(this.#preparing);
  }

  /** Ends a start that is under way. */
  giveUp(): void {
    this.#giveUp.abort(new Error('stopped'));
  }

  async stop(): Promise<void> {
    const [started] = await Promise.allSettled([this.#starting]);
    // Servers that did not all start have been stopped already.
    if (started.status === 'fulfilled') await started.value?.stop();
  }

  #prepare(name: ServerName): void {
    this.#keep(prepareServer(name, loadConfig(), this.contracts, this.#print));
  }

  #keep(preparing: Promise<void>): void {
    this.#preparing.push(preparing);
    // Whoever awaits prepared() gets the error; until then it must not end the process.
    preparing.catch(() => undefined);
  }

  readonly #print = (text: string): void => this.options.onProgress({ kind: 'step', about: 'registrar', text });
}
