import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import pc from 'picocolors';
import { pino } from 'pino';
import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
import { simulateFleet, type Fleet, type NodeChange } from '../../node/index.js';
import { Catalog } from '../../registry/consul/catalog.js';
import { ConsulError } from '../../registry/consul/error.js';
import { createPool } from '../../registry/pool.js';
import { progressReporter } from '../../stack/index.js';
import type { Child } from '../processes/children.js';
import { commandStart } from '../processes/command-start.js';
import type { DemoOptions } from './command.js';
import { temporalOptions } from '../connect.js';
import { wordsOf } from '../terminal/errors.js';
import { explainNode, pendingSentence, type Explanation } from '../status/explain-node.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { counted } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import { serviceLink, workflowLink } from '../terminal/links.js';
import { print } from '../terminal/output.js';
import { startRegistrar, type Registrar } from '../up/registrar.js';
import { untilStopped, type Stopping } from '../processes/stopping.js';
import { nodeTopicTemplates } from '../setup/all-topics.js';
import { summarise, type Summary } from './fleet-state.js';
import { createScreen, type Screen } from './screen.js';
import { stepLines, type View } from './view.js';
import { FleetWatcher } from './watcher.js';

const DRAW_EVERY_MS = 250;
const EXPLAINED = 10;

/** The whole demo: everything up, the fleet, and everything down again. */
export async function runDemo(options: DemoOptions, children: readonly Child[]): Promise<void> {
  const began = commandStart();
  const stream = options.json === true ? process.stderr : process.stdout;
  const screen = createScreen(stream);
  const stopping = untilStopped();
  const progress = progressReporter(stream);
  let fleet: Fleet | undefined;
  const listening = { onChange: (_change: NodeChange): void => undefined };
  let registrar: Registrar;
  try {
    registrar = await startRegistrar({
      children,
      ownServers: true,
      onProgress: progress.onProgress,
      signal: stopping.signal,
      // The fleet's connection is made while worker and bridge begin.
      onPrepared: (config, contracts) => {
        fleet = createFleet(options.nodes, config, contracts, (change) => listening.onChange(change));
        fleet.hub.open().catch((error: unknown) => screen.say(`The fleet cannot listen yet: ${wordsOf(error)}`));
      },
    });
  } catch (error) {
    await fleet?.stop({ timeoutMs: 500 });
    if (stopping.signal.aborted)
      throw new CliError('Stopped before everything was up.', EXIT.interrupted, { cause: error });
    throw error;
  } finally {
    progress.stop();
  }
  if (fleet === undefined) throw new Error('the fleet was not made');
  const demo = await Demo.open(options, fleet, registrar, screen, stopping, began);
  listening.onChange = (change) => demo.note(change);
  try {
    await demo.run();
  } finally {
    await demo.close();
  }
}

function createFleet(
  nodes: number,
  config: Config,
  contracts: Contracts,
  onChange: (change: NodeChange) => void,
): Fleet {
  return simulateFleet({
    nodes,
    brokers: config.kafka.brokers,
    env: config.env,
    namespace: config.namespace,
    topics: nodeTopicTemplates(contracts),
    // Its words would tear the live table apart.
    logger: pino(
      { level: process.env.LOG_LEVEL ?? 'info', base: null },
      pino.destination({ dest: join(config.dataDir, 'logs', 'fleet.log'), mkdir: true, sync: false }),
    ),
    onChange,
  });
}

/** The part of the demo in which everything is up. */
class Demo {
  readonly #watcher: FleetWatcher;
  readonly #timer: NodeJS.Timeout;
  #line = '';
  #failedToLeave = 0;
  readonly #farewell: string[] = [];
  #trouble: string | null = null;
  #looking: Promise<void> | undefined;
  #reported = false;

  private constructor(
    private readonly options: DemoOptions,
    private readonly fleet: Fleet,
    private readonly registrar: Registrar,
    private readonly screen: Screen,
    private readonly stopping: Stopping,
    private readonly began: number,
    private readonly pool: Pool,
    private readonly temporal: Connection,
  ) {
    const client = new Client({ connection: temporal, namespace: registrar.config.temporal.namespace });
    this.#watcher = new FleetWatcher(fleet, pool, client);
    this.#timer = setInterval(() => void this.#look(), DRAW_EVERY_MS);
  }

  static async open(
    options: DemoOptions,
    fleet: Fleet,
    registrar: Registrar,
    screen: Screen,
    stopping: Stopping,
    began: number,
  ): Promise<Demo> {
    const temporal = await Connection.connect(temporalOptions(registrar.config));
    const pool = createPool(registrar.config.postgres.connectionString, { max: 2 });
    return new Demo(options, fleet, registrar, screen, stopping, began, pool, temporal);
  }

  note(change: NodeChange): void {
    this.#watcher.note(change);
    this.screen.tell(change, () => this.#view());
  }

  /** From the first introspection to the last goodbye. */
  async run(): Promise<void> {
    this.#line = 'Ctrl-C lets them leave';
    const active = await this.#untilActive();
    if (active) await this.#celebrate();
    if (!this.stopping.signal.aborted && (this.options.exit !== true || !active)) {
      if (this.options.exit === true) throw await this.#notActive();
      await this.#unlessBroken(this.stopping.requested);
    }
    await this.#leave();
    if (this.options.exit === true && this.stopping.signal.aborted && !active)
      throw new CliError('Interrupted before all nodes were ACTIVE.', EXIT.interrupted);
    if (this.options.exit === true && this.#failedToLeave > 0)
      throw new CliError(`${counted(this.#failedToLeave, 'node')} did not leave in order.`, EXIT.failed, {
        hint: `'${command('status <node_id>')}' tells more; the logs are in ${join(this.registrar.config.dataDir, 'logs')}.`,
      });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.screen.end();
    for (const line of this.#farewell) this.screen.say(line);
    await this.fleet.stop({ timeoutMs: 1_000 });
    await Promise.all([this.pool.end(), this.temporal.close()]);
    await this.registrar.stop();
    this.#report();
  }

  // ---- becoming active

  /** true: all are. false: the time is over, or the person does not want to wait. */
  async #untilActive(): Promise<boolean> {
    const deadline = this.options.timeout * 1000 - (Date.now() - this.registrar.serversUpAt);
    const starting = this.fleet.start({ timeoutMs: Math.max(1, deadline), signal: this.stopping.signal });
    return this.#unlessBroken(
      starting.then(
        () => true,
        () => false,
      ),
    );
  }

  async #celebrate(): Promise<void> {
    const summary = this.#summary();
    // What is under way may have begun before the last one was active.
    await this.#looking;
    await this.#look();
    await this.#watcher.readSteps();
    await this.#watcher.readSteps();
    this.#line = `last one after ${summary.seconds} s. ${this.options.exit === true ? 'Now they leave.' : 'Ctrl-C lets them leave.'}`;
    this.screen.draw(() => this.#view());
    if (this.#isLive()) return void this.#farewell.push(this.#allActive(summary));
    this.screen.say(this.#allActive(summary));
    this.screen.say(stepLines(this.#watcher.shownId, this.#watcher.steps(), 40).join('\n'));
    for (const [name, url] of this.#links()) this.screen.say(`${name.padEnd(10)} ${url}`);
    // A program that started this goes on from here.
    if (this.options.exit !== true) this.#report();
  }

  #allActive(summary: Summary): string {
    return `All ${counted(summary.nodes, 'node')} ACTIVE, the last one ${summary.seconds} s after the command's start.`;
  }

  async #notActive(): Promise<CliError> {
    const missing = this.fleet.members.filter(({ node }) => node.state !== 'active').map(({ node }) => node.node_id);
    if (missing.length === 0) return new CliError('The fleet did not start.', EXIT.failed);
    const why = await Promise.all(
      missing
        .slice(0, EXPLAINED)
        .map(async (id) => `  ${id}  ${explanationLine(await explainNode(id, this.registrar.config))}`),
    );
    if (missing.length > EXPLAINED) why.push(`  … and ${missing.length - EXPLAINED} more`);
    return new CliError(
      `${missing.length} of ${counted(this.fleet.members.length, 'node')} did not become ACTIVE within ${this.options.timeout} s:\n${why.join('\n')}`,
      EXIT.failed,
      {
        hint: `The logs are in ${join(this.registrar.config.dataDir, 'logs')}.`,
      },
    );
  }

  // ---- leaving

  /** All say goodbye; then the record and Consul must say the same. */
  async #leave(): Promise<void> {
    const ids = this.fleet.members.filter(({ node }) => node.state !== 'idle').map(({ node }) => node.node_id);
    this.#line = this.stopping.signal.aborted ? 'leaving; Ctrl-C again ends at once' : 'leaving';
    this.screen.draw(() => this.#view());
    await this.fleet.stop({ timeoutMs: 5_000 });
    const remaining = await this.#unlessBroken(this.#untilGone(ids));
    this.#failedToLeave = remaining.length;
    if (remaining.length === 0)
      this.#farewell.push(pc.dim(`All have left: DEREGISTERED in the record, and out of Consul.`));
    else
      this.#farewell.push(
        pc.yellow(
          `${counted(remaining.length, 'node')} said goodbye, but the registrar has not finished with them; it goes on when it runs again.`,
        ),
      );
  }

  /** Those that are still there when the time is over. */
  async #untilGone(ids: readonly string[]): Promise<readonly string[]> {
    const { httpAddr, token } = this.registrar.config.consul;
    const catalog = new Catalog({ address: httpAddr, ...(token === undefined ? {} : { token }) });
    const patience = this.options.exit === true ? 20_000 + ids.length * 200 : 5_000;
    const deadline = Date.now() + patience;
    try {
      for (;;) {
        await this.#look();
        const ended = new Set(this.#watcher.ended());
        const passing = await passingIn(catalog);
        const remaining = ids.filter((id) => !ended.has(id) || passing === null || passing.has(id));
        if (remaining.length === 0 || Date.now() > deadline) return remaining;
        await delay(200);
      }
    } finally {
      catalog.close();
    }
  }

  // ---- showing

  /** Asks the record, and draws. One look at a time: what comes meanwhile gets the same answer. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** A backend that is away leaves the picture as it was. */
  async #lookOnce(): Promise<void> {
    this.#watcher
      .readSteps()
      .catch((error: unknown) => (this.#trouble = `Temporal cannot be asked: ${wordsOf(error)}`));
    try {
      await this.#watcher.readRecords();
      this.#trouble = null;
    } catch (error) {
      this.#trouble = `the record cannot be asked: ${wordsOf(error)}`;
    }
    this.screen.draw(() => this.#view());
  }

  #isLive(): boolean {
    return (this.options.json === true ? process.stderr : process.stdout).isTTY === true;
  }

  #summary(): Summary {
    return summarise(this.fleet.members, this.began, this.#failedToLeave);
  }

  #report(): void {
    if (this.options.json !== true || this.#reported) return;
    this.#reported = true;
    print(JSON.stringify(this.#summary()));
  }

  #links(): (readonly [string, string])[] {
    const { links } = this.registrar;
    const shown = this.fleet.members[0];
    const workflow = shown === undefined ? null : workflowLink(links, shown.node.node_id);
    return [
      ...(links.temporal === null ? [] : [['Temporal', links.temporal] as const]),
      ...(workflow === null ? [] : [['this node', workflow] as const]),
      ['Consul', shown === undefined ? links.consul : serviceLink(links, shown.node_type)],
      ['try', command('stop consul')],
    ];
  }

  #view(): View {
    return {
      nodes: this.#watcher.nodes(),
      summary: this.#summary(),
      shown: { node_id: this.#watcher.shownId, steps: this.#watcher.steps() },
      links: this.#links(),
      line: this.#trouble ?? this.#line,
    };
  }

  async #unlessBroken<T>(work: Promise<T>): Promise<T> {
    const result = await Promise.race([
      work.then((value) => ({ value })),
      this.registrar.broken.then((error) => ({ error })),
    ]);
    if ('error' in result) throw result.error;
    return result.value;
  }
}

/** Who is found by those who look for a node; null when Consul cannot be asked, so nobody is known to be out of it. */
async function passingIn(catalog: Catalog): Promise<ReadonlySet<string> | null> {
  try {
    return new Set((await catalog.passingInstances()).map(({ node_id }) => node_id));
  } catch (error) {
    if (error instanceof ConsulError) return null;
    throw error;
  }
}

/** Where a node stands, and what it waits for, on one line. */
export function explanationLine({ report, unasked, introspection_topic }: Explanation): string {
  switch (report?.source) {
    case 'workflow':
      return [
        report.line,
        ...report.pending.map(pendingSentence),
        ...(report.no_answer === null ? [] : [report.no_answer]),
      ].join('; ');
    case 'record':
      return `${report.record.state}${report.record.reason === null ? '' : `: ${report.record.reason}`}`;
    case 'dead-letters':
      return `not understood: ${report.letters.at(-1)?.reason ?? ''}`;
    case undefined:
      return unasked.length > 0
        ? unasked.map(({ message }) => message).join('; ')
        : `never seen on topic ${introspection_topic}`;
  }
}
