import { join, resolve } from 'node:path';
import { loadConfig, type Config } from '../config/index.js';
import type { OwnerReply, OwnerRequest } from './control.js';
import { environmentOf, serverEnvironment } from './environment.js';
import { waitUntilHealthy } from './health.js';
import { ManagedServer, type ServerExit } from './managed.js';
import { becomeOwner, type Ownership } from './owner.js';
import { checkPlan, makePlan, type PlanOptions, type ServerPlan } from './plan.js';
import { reservePorts, type Ports, type ReservedPorts } from './ports.js';
import { identify, waitForEnd } from './state/processes.js';
import type { ProvisionContext } from './provision/context.js';
import type { ServerKind } from './servers/kind.js';
import {
  lastPorts,
  livingGuardians,
  readState,
  writeState,
  type OwnAddresses,
  type StackState,
} from './state/state.js';
import { SERVER_NAMES, type Addresses, type ServerName } from './state/servers.js';
import { StackError } from './state/errors.js';
import type { OnProgress, StackLogger } from './types.js';

export interface StackOptions extends PlanOptions {
  readonly onProgress: OnProgress;
  readonly logger: StackLogger;
  /** Gives up starting, provisioning included. */
  readonly signal?: AbortSignal;
  /** Called when the addresses are known and written down, before the servers have started. */
  readonly onAddresses?: () => void;
  /** Called for each server, ours or given from outside, as soon as it answers. */
  readonly onServerUp?: (name: ServerName) => void;
}

/** The four servers, ours or given from outside, all answering. */
export interface RunningStack {
  readonly addresses: Addresses;
  /** The variables that make a child process use these servers. */
  environment(): Record<string, string>;
  /** Stops our servers and gives the data directory free. */
  stop(): Promise<void>;
  /** Stops one of our servers; that is no accident, and listeners are not called. */
  stopServer(name: ServerName): Promise<void>;
  /** Starts a stopped one again, at the same address. */
  startServer(name: ServerName): Promise<void>;
  /** Calls when a server has ended by itself. Nothing is restarted. Returns a function that removes the listener. */
  onServerExit(listener: (exit: ServerExit) => void): () => void;
}

/** A killed owner's servers are given this long to end: Kafka's grace and a little. */
const LEFTOVERS_END_WITHIN_MS = 15_000;
const OUTSIDE_ANSWERS_WITHIN_MS = 15_000;

/**
 * Finds or provisions and starts the servers that the environment does not give, all at once, and resolves when each
 * one answers. When one fails, those that had started are stopped and its error is thrown.
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const dataDir = resolve(options.dataDir);
  const config = loadConfig({ ...options.env, REGISTRAR_DATA_DIR: dataDir });
  const plan = makePlan(options, config);
  await checkPlan(plan, options.env);
  const stack = new Stack(dataDir, config, plan, options);
  await stack.start();
  return stack;
}

class Stack implements RunningStack {
  private readonly servers = new Map<ServerName, ManagedServer>();
  private readonly listeners = new Set<(exit: ServerExit) => void>();
  private readonly giveUp = new AbortController();
  private readonly ports = new Map<ServerName, Ports>();
  private reserved: ReservedPorts | undefined;
  private ownership: Ownership | undefined;
  private own: OwnAddresses = {};

  constructor(
    private readonly dataDir: string,
    private readonly config: Config,
    private readonly plan: readonly ServerPlan[],
    private readonly options: StackOptions,
  ) {}

  async start(): Promise<void> {
    this.ownership = await becomeOwner(this.dataDir, (request) => this.answer(request));
    const giveUp = () => this.giveUp.abort(this.options.signal?.reason);
    this.options.signal?.addEventListener('abort', giveUp);
    try {
      this.options.signal?.throwIfAborted();
      const previous = readState(this.dataDir);
      await this.waitForLeftovers(previous);
      await this.choosePorts(previous);
      this.options.onAddresses?.();
      await allOrGiveUp(
        this.plan.map(async (server) => {
          await this.bringUp(server);
          this.options.onServerUp?.(server.kind.name);
        }),
        this.giveUp,
      );
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      this.options.signal?.removeEventListener('abort', giveUp);
    }
  }

  get addresses(): Addresses {
    const { temporal, kafka, consul, postgres } = this.config;
    return {
      temporal: this.own.temporal ?? temporal.address,
      ...(this.own.temporalUi !== undefined && { temporalUi: this.own.temporalUi }),
      kafka: this.own.kafka ?? kafka.brokers,
      consul: this.own.consul ?? consul.address,
      postgres: this.own.postgres ?? postgres.connectionString,
    };
  }

  environment(): Record<string, string> {
    return environmentOf(this.addresses, this.config);
  }

  async stop(): Promise<void> {
    this.giveUp.abort(new StackError('the stack was stopped'));
    await Promise.all([...this.servers.values()].map((server) => server.stop()));
    await this.reserved?.release();
    this.reserved = undefined;
    this.own = {};
    this.writeState();
    await this.ownership?.release();
    this.ownership = undefined;
  }

  stopServer(name: ServerName): Promise<void> {
    return this.serverOf(name).stop();
  }

  startServer(name: ServerName): Promise<void> {
    return this.serverOf(name).start();
  }

  onServerExit(listener: (exit: ServerExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private serverOf(name: ServerName): ManagedServer {
    const server = this.servers.get(name);
    if (server !== undefined) return server;
    const planned = this.plan.find(({ kind }) => kind.name === name);
    if (planned?.how === 'outside')
      throw new StackError(`${planned.kind.title} is not ours: ${planned.kind.variable} gives its address.`);
    throw new StackError(`${planned?.kind.title ?? name} is still being prepared`);
  }

  // ---- starting

  /**
   * The servers of an owner that was killed end by themselves, but not at once; they hold files and ports until then.
   */
  private async waitForLeftovers(previous: StackState | undefined): Promise<void> {
    const living = livingGuardians(previous);
    if (living.length === 0) return;
    this.options.onProgress({ kind: 'step', about: 'stack', text: 'waiting for the servers of the run before to end' });
    const stubborn = await waitForEnd(living, LEFTOVERS_END_WITHIN_MS);
    if (stubborn.length === 0) return;
    const pids = stubborn.map(({ pid }) => pid).join(' ');
    throw new StackError(
      `Servers of the run before do not end. End them by: kill -9 ${pids
        .split(' ')
        .map((pid) => `-${pid}`)
        .join(' ')}`,
    );
  }

  private async choosePorts(previous: StackState | undefined): Promise<void> {
    const wanted: Record<string, number> = {};
    const ours = this.plan.filter(({ how }) => how !== 'outside').map(({ kind }) => kind);
    for (const kind of ours) {
      const last = lastPorts(previous, kind.name);
      for (const [purpose, usual] of Object.entries(kind.usualPorts))
        wanted[`${kind.name} ${purpose}`] = last[purpose] ?? usual;
    }
    this.reserved = await reservePorts(wanted);
    const chosen = this.reserved.ports;
    for (const kind of ours) {
      const ports = Object.fromEntries(
        Object.keys(kind.usualPorts).map((purpose) => [purpose, chosen[`${kind.name} ${purpose}`] ?? 0]),
      );
      this.ports.set(kind.name, ports);
      this.own = { ...this.own, ...kind.addresses(ports) };
    }
    this.writeState();
  }

  private async bringUp(planned: ServerPlan): Promise<void> {
    const { kind } = planned;
    const began = Date.now();
    if (planned.how === 'outside') {
      const title = `${kind.title}, whose address is in the environment (${kind.variable}, ${this.shown(kind.name)}),`;
      await waitUntilHealthy(() => this.probe(kind), {
        withinMs: OUTSIDE_ANSWERS_WITHIN_MS,
        title,
        signal: this.giveUp.signal,
      });
      this.options.onProgress({
        kind: 'ready',
        about: kind.name,
        text: `using the one at ${this.shown(kind.name)}`,
        ms: Date.now() - began,
      });
      return;
    }
    const provisioning = this.provisionContext(kind, planned.find.cacheRoot);
    const installed =
      planned.how === 'installed' ? planned.installed : await kind.provision(provisioning, planned.find);
    const ports = this.ports.get(kind.name) ?? {};
    const step = (text: string) => this.options.onProgress({ kind: 'step', about: kind.name, text });
    const context = {
      ...planned.find,
      env: serverEnvironment(this.options.env),
      ports,
      temporalNamespace: this.config.temporal.namespace,
      step,
      provisioning,
    };
    const server = new ManagedServer(
      {
        name: kind.name,
        title: kind.title,
        logFile: join(this.dataDir, 'logs', `${kind.name}.log`),
        startWithinMs: kind.startWithinMs,
        signal: this.giveUp.signal,
        launch: () => installed.launch(context),
        probe: () => this.probe(kind),
      },
      () => this.writeState(),
      (exit) => this.emitExit(exit),
    );
    this.giveUp.signal.throwIfAborted();
    this.servers.set(kind.name, server);
    await server.start();
    this.options.onProgress({
      kind: 'ready',
      about: kind.name,
      text: `${installed.where} runs at ${this.shown(kind.name)}`,
      ms: Date.now() - began,
    });
  }

  private provisionContext(kind: ServerKind, cacheRoot: string): ProvisionContext {
    return {
      about: kind.name,
      cacheRoot,
      env: this.options.env,
      onProgress: this.options.onProgress,
      signal: this.giveUp.signal,
    };
  }

  private probe(kind: ServerKind): Promise<void> {
    return kind.probe(this.addresses, this.config);
  }

  private emitExit(exit: ServerExit): void {
    this.options.logger.error({ server: exit.server, code: exit.code, logFile: exit.logFile }, exit.summary);
    for (const listener of this.listeners) listener(exit);
  }

  // ---- for other terminals

  private async answer(request: OwnerRequest): Promise<OwnerReply> {
    switch (request.action) {
      case 'stop':
        await this.stopServer(request.server);
        break;
      case 'start':
        await this.startServer(request.server);
        break;
      case 'status':
        break;
    }
    return this.status();
  }

  private status(): OwnerReply {
    const servers = Object.fromEntries(
      this.plan.map(({ kind, how }) => {
        const state = how === 'outside' ? 'outside' : (this.servers.get(kind.name)?.state ?? 'starting');
        return [kind.name, { state, address: this.shown(kind.name) }];
      }),
    ) as OwnerReply['servers'];
    return { pid: process.pid, servers };
  }

  /** A server's address as people may see it: without a password. */
  private shown(name: ServerName): string {
    const addresses = this.addresses;
    return name === 'kafka' ? addresses.kafka.join(',') : addresses[name].replace(/:[^:@/]+@/, ':***@');
  }

  private writeState(): void {
    const owner = identify(process.pid);
    if (owner === undefined) throw new Error('this process cannot be identified');
    const guardians = [...this.servers.values()].flatMap(({ guardian }) => (guardian === undefined ? [] : [guardian]));
    const ports = Object.fromEntries(
      SERVER_NAMES.flatMap((name) => (this.ports.has(name) ? [[name, this.ports.get(name)]] : [])),
    ) as StackState['ports'];
    writeState(this.dataDir, { owner, guardians, ports, addresses: this.own });
  }
}

/** Waits for all; when one fails, aborts the others, waits until they have, and throws the first error. */
async function allOrGiveUp(work: readonly Promise<void>[], giveUp: AbortController): Promise<void> {
  let first: { error: unknown } | undefined;
  await Promise.all(
    work.map((one) =>
      one.catch((error: unknown) => {
        first ??= { error };
        giveUp.abort(error);
      }),
    ),
  );
  if (first !== undefined) throw first.error;
}
