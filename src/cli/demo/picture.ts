import { Client, Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Fleet, NodeChange } from '../../node/index.js';
import { dataConverter } from '../../payloads/data-converter.js';
import { createPool } from '../../registry/pool.js';
import { temporalOptions } from '../connect.js';
import { errorText } from '../../error-text.js';
import { command } from '../terminal/invocation.js';
import { logsDirectory, serviceLink, workflowLink } from '../terminal/links.js';
import type { Registrar } from '../up/registrar.js';
import type { Summary } from './fleet-state.js';
import type { Screen } from './screen.js';
import { stepLines, type View } from './view.js';
import { FleetWatcher } from './watcher.js';

const DRAW_EVERY_MS = 250;
const STEPS_SHOWN = 40;

/** What the demo shows of the fleet, kept up to date until it is stopped. */
export class Picture {
  readonly #watcher: FleetWatcher;
  readonly #timer: NodeJS.Timeout;
  readonly #pool: Pool;
  readonly #temporal: Connection;
  #title = 'Ctrl-C lets them leave';
  #page: string | null = null;
  #trouble: string | null = null;
  #looking: Promise<void> | undefined;

  constructor(
    private readonly fleet: Fleet,
    private readonly registrar: Registrar,
    private readonly screen: Screen,
    private readonly summary: () => Summary,
  ) {
    const { config, states } = registrar;
    // Connected by the first question: the fleet need not wait for it.
    this.#temporal = Connection.lazy(temporalOptions(config));
    this.#pool = createPool(config.postgres.connectionString, { max: 2 });
    const client = new Client({
      connection: this.#temporal,
      namespace: config.temporal.namespace,
      ...dataConverter(config),
    });
    this.#watcher = new FleetWatcher(fleet, this.#pool, client, states);
    this.#timer = setInterval(() => void this.#look(), DRAW_EVERY_MS);
  }

  note(change: NodeChange): void {
    this.#watcher.note(change);
    this.screen.show(change, () => this.#view());
  }

  /** What is going on, or what to do next. */
  title(text: string): void {
    this.#title = text;
    this.screen.draw(() => this.#view());
  }

  /** Where the fleet page is: the first of the links. */
  page(url: string): void {
    if (this.#page === null) this.screen.print(`The fleet page: ${url}`);
    this.#page = url;
  }

  /** Reads everything once more: a look that is under way may have begun before the last change. */
  async settle(): Promise<void> {
    await this.#looking;
    await this.#look();
    await this.#watcher.readSteps();
    await this.#watcher.readSteps();
  }

  /** Ids of the nodes that have left, by the registry. */
  async left(): Promise<ReadonlySet<string>> {
    await this.#look();
    return new Set(this.#watcher.left());
  }

  stepsText(): string {
    return stepLines(this.#watcher.shownId, this.#watcher.steps(), STEPS_SHOWN).join('\n');
  }

  linksText(): string {
    return this.#links()
      .map(([name, url]) => `${name.padEnd(10)} ${url}`)
      .join('\n');
  }

  /** No more looks. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.end(), this.#temporal.close()]);
  }

  /** Reads the registry, and draws. One look at a time: whoever asks meanwhile gets the same answer. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** A backend that is away leaves the picture as it was. */
  async #lookOnce(): Promise<void> {
    this.#watcher
      .readSteps()
      .catch((error: unknown) => (this.#trouble = `Temporal does not answer: ${errorText(error)}`));
    try {
      await this.#watcher.readRegistry();
      this.#trouble = null;
    } catch (error) {
      this.#trouble = `the registry does not answer: ${errorText(error)}`;
    }
    this.screen.draw(() => this.#view());
  }

  #links(): (readonly [string, string])[] {
    const { links, config } = this.registrar;
    const shown = this.fleet.members[0];
    const workflow = shown === undefined ? null : workflowLink(links, shown.node.node_id);
    const consul = shown === undefined ? links.consul : serviceLink(links, shown.node_type);
    return [
      ...(this.#page === null ? [] : [['Fleet page', this.#page] as const]),
      ...(links.temporal === null ? [] : [['Temporal', links.temporal] as const]),
      ...(workflow === null ? [] : [['this node', workflow] as const]),
      ...(consul === null ? [] : [['Consul', consul] as const]),
      ['logs', logsDirectory(config)],
      ['try', command('stop consul')],
    ];
  }

  #view(): View {
    return {
      nodes: this.#watcher.nodes(),
      states: this.registrar.states,
      summary: this.summary(),
      shown: { node_id: this.#watcher.shownId, steps: this.#watcher.steps() },
      links: this.#links(),
      line: this.#trouble ?? this.#title,
    };
  }
}
