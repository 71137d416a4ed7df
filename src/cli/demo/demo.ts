import { setTimeout as delay } from 'node:timers/promises';
import pc from 'picocolors';
import { environmentName } from '../../protocol/topics.js';
import type { NodeChange } from '../../node/index.js';
import { Catalog } from '../../registry/consul/catalog.js';
import { ConsulError } from '../../registry/consul/error.js';
import { busyWhile } from '../../stack/busy-line.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { counted } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import { logsDirectory } from '../terminal/links.js';
import { print } from '../terminal/output.js';
import { summarise, type Summary } from './fleet-state.js';
import { notActive } from './not-active.js';
import type { DemoParts } from './parts.js';
import { Picture } from './picture.js';

/** The part of the demo in which everything is up: the nodes become active, and leave. */
export class Demo {
  readonly #picture: Picture;
  readonly #farewell: string[] = [];
  #failedToLeave = 0;
  #reported = false;

  constructor(private readonly parts: DemoParts) {
    const { fleet, registrar, screen } = parts;
    this.#picture = new Picture(fleet, registrar, screen, () => this.#summary());
  }

  /** A node has changed. */
  note(change: NodeChange): void {
    this.#picture.note(change);
  }

  /** From the first introspection to the last goodbye. */
  async run(): Promise<void> {
    const { options, stopping } = this.parts;
    // Who asks for an end has nobody who looks: the nodes do not wait for the page then.
    if (options.exit !== true) await this.#showPage();
    const active = await this.#untilActive();
    if (active) await this.#showActive();
    if (!stopping.signal.aborted && (options.exit !== true || !active)) {
      if (options.exit === true) throw await notActive(this.parts);
      await this.#unlessBroken(stopping.requested);
    }
    await this.#leave();
    if (options.exit === true) this.#throwIfIncomplete(active);
  }

  async close(): Promise<void> {
    const { screen, fleet, registrar } = this.parts;
    this.#picture.stop();
    screen.end();
    for (const line of this.#farewell) screen.print(line);
    await busyWhile('stopping', async () => {
      await fleet.stop({ timeoutMs: 1_000 });
      await this.#picture.close();
      await registrar.stop();
    });
    this.#report();
  }

  /** true: all are. false: the time is over, or the person does not want to wait. */
  async #untilActive(): Promise<boolean> {
    const { options, fleet, registrar, stopping } = this.parts;
    const deadline = options.timeout * 1000 - (Date.now() - registrar.serversUpAt);
    const starting = fleet.start({ timeoutMs: Math.max(1, deadline), signal: stopping.signal });
    return this.#unlessBroken(
      starting.then(
        () => true,
        () => false,
      ),
    );
  }

  async #showPage(): Promise<void> {
    const { url } = await this.parts.page();
    if (url !== null) this.#picture.page(url);
  }

  async #showActive(): Promise<void> {
    const { options, registrar, screen } = this.parts;
    const summary = this.#summary();
    await Promise.all([this.#picture.settle(), this.#showPage()]);
    const next = options.exit === true ? 'Now they leave.' : 'Ctrl-C lets them leave.';
    this.#picture.title(`last one after ${summary.seconds} s. ${next}`);
    const allActive =
      `All ${counted(summary.nodes, 'node')} ${registrar.states.discoverable}, the last one ${summary.seconds} s ` +
      `after the command's start.`;
    if (screen.isLive) return void this.#farewell.push(allActive);
    screen.print(allActive);
    screen.print(this.#picture.stepsText());
    screen.print(this.#picture.linksText());
    // A program that started this goes on from here.
    if (options.exit !== true) this.#report();
  }

  /** All say goodbye; then the registry and Consul must show it. */
  async #leave(): Promise<void> {
    const { fleet, stopping } = this.parts;
    const ids = fleet.members.filter(({ node }) => node.state !== 'idle').map(({ node }) => node.node_id);
    this.#picture.title(stopping.signal.aborted ? 'leaving; Ctrl-C again ends at once' : 'leaving');
    await fleet.stop({ timeoutMs: 5_000 });
    const remaining = await this.#unlessBroken(this.#untilGone(ids));
    this.#failedToLeave = remaining.length;
    this.#farewell.push(
      remaining.length === 0
        ? pc.dim('All have left: ended in the registry, and out of Consul.')
        : pc.yellow(
            `${counted(remaining.length, 'node')} said goodbye, but the registrar has not finished with them; ` +
              'it goes on when it runs again.',
          ),
    );
  }

  /** Those that are still there when the time is over. */
  async #untilGone(ids: readonly string[]): Promise<readonly string[]> {
    const { options, registrar } = this.parts;
    const catalog = new Catalog(registrar.config.consul, environmentName(registrar.config));
    const patience = options.exit === true ? 20_000 + ids.length * 200 : 5_000;
    const deadline = Date.now() + patience;
    try {
      for (;;) {
        const left = await this.#picture.left();
        const passing = await passingIn(catalog);
        const remaining = ids.filter((id) => !left.has(id) || passing === null || passing.has(id));
        if (remaining.length === 0 || Date.now() > deadline) return remaining;
        await delay(200);
      }
    } finally {
      catalog.close();
    }
  }

  #throwIfIncomplete(active: boolean): void {
    const { stopping, registrar } = this.parts;
    if (stopping.signal.aborted && !active)
      throw new CliError(`Interrupted before all nodes were ${registrar.states.discoverable}.`, EXIT.interrupted);
    if (this.#failedToLeave > 0)
      throw new CliError(`${counted(this.#failedToLeave, 'node')} did not leave in order.`, EXIT.failed, {
        hint: `'${command('status <node_id>')}' shows more; the logs are in ${logsDirectory(registrar.config)}.`,
      });
  }

  #summary(): Summary {
    return summarise(this.parts.fleet.members, this.parts.began, this.#failedToLeave);
  }

  /** The summary, once, where it was asked for. */
  #report(): void {
    if (this.parts.options.json !== true || this.#reported) return;
    this.#reported = true;
    print(JSON.stringify(this.#summary()));
  }

  async #unlessBroken<T>(work: Promise<T>): Promise<T> {
    const result = await Promise.race([
      work.then((value) => ({ value })),
      this.parts.registrar.broken.then((error) => ({ error })),
    ]);
    if ('error' in result) throw result.error;
    return result.value;
  }
}

/** Ids of the nodes that others find; null when Consul does not answer: then no node is known to be out of it. */
async function passingIn(catalog: Catalog): Promise<ReadonlySet<string> | null> {
  try {
    return new Set((await catalog.passingInstances()).map(({ node_id }) => node_id));
  } catch (error) {
    if (error instanceof ConsulError) return null;
    throw error;
  }
}
