import type { Client } from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import type { Pool } from 'pg';
import { readBan } from '../../registry/bans.js';
import { readBoundKey, type BoundKey } from '../../registry/keys/bound-keys.js';
import { readConflicts } from '../../registry/leases/read-conflicts.js';
import { readActions, type KeptAction } from '../../registry/operator-actions.js';
import { readRegistrarActions } from '../../registry/registrar-actions.js';
import type { Act } from '../api/activity.js';
import type { Contracts } from '../../contracts/load.js';
import type { FleetNode, RowDetail } from '../api/fleet.js';
import type { Health } from '../api/health.js';
import type { EarlierRun, NodeKeyView, NodeView, PendingTry, Run } from '../api/node.js';
import { confirmedBackends } from '../contract/confirmed-backends.js';
import { titleOf } from '../contract/view.js';
import { lookOf } from '../fleet/look.js';
import { stateViews } from '../contract/states.js';
import { attemptStoryOf } from '../node/story.js';
import type { Sources } from '../source.js';
import { errorText } from '../../error-text.js';
import type { RecentDeadLetters } from './dead-letters.js';
import type { HealthWatch } from './health-watch.js';
import { readRegistered, readLeases, readNode } from './registry.js';
import { withFailedTries } from '../node/failed-tries.js';
import { readEarlierRun } from './earlier-run.js';
import { ANSWER_WITHIN_MS, describeRun, listEarlierRuns, listOpenRuns } from './runs.js';
import { askStatus, type AskedStatus } from '../../runs/ask-status.js';
import { readFinishedTries, type FinishedTries } from '../../runs/finished-tries.js';

export interface LiveSourcesOptions {
  readonly pool: Pool;
  /** Connects with the first call, and again whenever it must. */
  readonly temporal: Client;
  readonly contracts: Contracts;
  readonly deadLetters: RecentDeadLetters;
  readonly health: HealthWatch;
  readonly links: {
    /** Address of a node's run in Temporal's page; null if that page is not known. */
    readonly run: (id: string) => string | null;
    /** Address of the list of a node's runs there. */
    readonly runs: (id: string) => string | null;
    /** Address of a type's nodes in Consul's page. */
    readonly service: (type: string) => string | null;
  };
}

/** A visible row whose backend has not confirmed is asked about in Temporal: at most so many at once. */
const ASKED_AT_ONCE = 4;
const ASKED_PER_SCREEN = 24;
/** The newest acts of people. */
const ACTS_SHOWN = 100;
/** A message that the node's key has not signed is shown for so long. Milliseconds. */
const KEY_CONFLICT_SHOWN = 86_400_000;
/** Runs that have ended change no more, and another one is seldom. Milliseconds. */
const EARLIER_FRESH = 30_000;
/** Several people who look at one node ask once. Milliseconds. */
const FRESH = 700;

/** Events; a longer one is not read for its tries. A registration has 28, and a run begins anew long before. */
const LONGEST_HISTORY = 1_000;

/** The real sources: PostgreSQL for the fleet, Temporal for one node, Kafka for dead letters. */
export class LiveSources implements Sources {
  readonly #options: LiveSourcesOptions;
  readonly #limit = pLimit(ASKED_AT_ONCE);
  readonly #earlier = new LRUCache<string, readonly EarlierRun[]>({ max: 100, ttl: EARLIER_FRESH });
  readonly #tries = new LRUCache<string, readonly FinishedTries[]>({ max: 100 });
  readonly #views = new Map<string, { readonly at: number; readonly view: Promise<NodeView | null> }>();

  constructor(options: LiveSourcesOptions) {
    this.#options = options;
  }

  readFleet(since: number | null) {
    const { pool, contracts } = this.#options;
    return readRegistered(pool, since, contracts.compiled.liveness.window_seconds);
  }

  async activity() {
    const { pool } = this.#options;
    const [asked, unasked] = await Promise.all([
      readActions(pool, null, ACTS_SHOWN),
      readRegistrarActions(pool, ACTS_SHOWN),
    ]);
    return { acts: asked.map(actOf), unasked: unasked.map((one) => ({ ...one, at: Date.parse(one.at) })) };
  }

  async openRuns() {
    const { temporal, contracts } = this.#options;
    try {
      return await temporal.withDeadline(Date.now() + 3_000, () => listOpenRuns(temporal, contracts.compiled));
    } catch {
      // Temporal's absence is shown by its own probe; the registry's rows go on without its list.
      return null;
    }
  }

  async rowDetails(nodes: readonly FleetNode[]): Promise<readonly RowDetail[]> {
    const leases = await readLeases(
      this.#options.pool,
      nodes.flatMap(({ id, ended }) => (ended === null ? [id] : [])),
    );
    const asked = nodes.filter(({ look }) => look === 'backend' || look === 'ack').slice(0, ASKED_PER_SCREEN);
    const waits = new Map(await Promise.all(asked.map((node) => this.#limit(() => this.#waitsFor(node)))));
    return nodes.map(({ id }) => ({
      id,
      lease: leases.get(id)?.lease ?? null,
      beat: leases.get(id)?.beat ?? null,
      waits_for: waits.get(id) ?? null,
    }));
  }

  node(id: string, known: FleetNode | null): Promise<NodeView | null> {
    const now = Date.now();
    for (const [other, { at }] of this.#views) if (now - at > FRESH) this.#views.delete(other);
    const fresh = this.#views.get(id);
    if (fresh !== undefined) return fresh.view;
    const view = this.#readNode(id, known);
    this.#views.set(id, { at: now, view });
    return view;
  }

  async earlierRun(id: string, run_id: string) {
    const { temporal, contracts } = this.#options;
    const view = await readEarlierRun(temporal, id, run_id, contracts.compiled);
    if (view === null) return null;
    const tries = await this.#finishedTries(id, { run_id, events: 0 });
    return { ...view, steps: withFailedTries(view.steps, tries, contracts.compiled) };
  }

  health(): Health {
    return this.#options.health.read();
  }

  async close(): Promise<void> {
    await Promise.all([this.#options.health.close(), this.#options.deadLetters.close()]);
  }

  async #waitsFor({ id }: FleetNode): Promise<[string, string | null]> {
    try {
      const described = await describeRun(this.#options.temporal, id, this.#options.contracts.compiled);
      const [first] = described?.pending ?? [];
      return [id, first === undefined ? null : pendingSentence(first)];
    } catch {
      // The row says what it can; Temporal's absence is shown by its own probe.
      return [id, null];
    }
  }

  async #readNode(id: string, known: FleetNode | null): Promise<NodeView | null> {
    const { pool, temporal, contracts, deadLetters } = this.#options;
    const unasked: string[] = [];
    const orElse = async <T>(what: string, answer: Promise<T>): Promise<T | null> =>
      answer.catch((error: unknown) => {
        unasked.push(`${what} was not asked: ${errorText(error)}`);
        return null;
      });
    const { window_seconds } = contracts.compiled.liveness;
    const [recorded, others, ban, key, acts, described] = await Promise.all([
      orElse('PostgreSQL', readNode(pool, id)),
      // Where the row could be read, these can be: what fails is said once.
      readConflicts(pool, id, window_seconds).catch(() => []),
      readBan(pool, id).catch(() => null),
      readBoundKey(pool, id).catch(() => null),
      readActions(pool, id, ACTS_SHOWN).catch(() => []),
      orElse('Temporal', describeRun(temporal, id, contracts.compiled)),
    ]);
    const letters = deadLetters.about(id);
    const found = [recorded, described, known, ban, key].some((one) => one !== null);
    if (!found && letters.length === 0 && unasked.length === 0) return null;
    const tries =
      described === null ? null : await orElse('The history of its run', this.#finishedTries(id, described.run));
    const asked =
      described === null ? { status: null, no_answer: null } : await askStatus(temporal, id, ANSWER_WITHIN_MS);
    const view = this.#view(id, known, recorded, described, asked, letters, unasked);
    return {
      ...view,
      steps: withFailedTries(view.steps, tries ?? [], contracts.compiled),
      earlier_runs: described === null ? null : await this.#earlierRuns(id, described.run.run_id),
      others: others.map((other) => ({
        ...other,
        since: Date.parse(other.since),
        last_seen: Date.parse(other.last_seen),
      })),
      ban: ban === null ? null : { who: ban.who, why: ban.why, since: Date.parse(ban.at) },
      key: key === null ? null : keyOf(key),
      acts: acts.map(actOf),
    };
  }

  /** Of a history of that length: read once. A run that has ended grows no more, and needs no length. */
  async #finishedTries(
    id: string,
    { run_id, events }: Pick<Run, 'run_id' | 'events'>,
  ): Promise<readonly FinishedTries[]> {
    if (events > LONGEST_HISTORY) return [];
    const key = `${run_id} ${events}`;
    const known = this.#tries.get(key);
    if (known !== undefined) return known;
    const { temporal } = this.#options;
    const found = await temporal.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      readFinishedTries(temporal, id, run_id),
    );
    this.#tries.set(key, found);
    return found;
  }

  async #earlierRuns(id: string, shown: string): Promise<readonly EarlierRun[] | null> {
    const { temporal, links } = this.#options;
    const key = `${id} ${shown}`;
    const known = this.#earlier.get(key);
    if (known !== undefined) return known;
    try {
      const found = await temporal.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        listEarlierRuns(temporal, id, shown),
      );
      const page = links.run(id);
      const runs = found.map((run) => ({ ...run, link: page === null ? null : `${page}/${run.run_id}/history` }));
      this.#earlier.set(key, runs);
      return runs;
    } catch {
      // That Temporal does not answer is shown by its own probe; the link to its list stays.
      return null;
    }
  }

  #view(
    id: string,
    known: FleetNode | null,
    recorded: Awaited<ReturnType<typeof readNode>>,
    described: Awaited<ReturnType<typeof describeRun>>,
    { status, no_answer }: AskedStatus,
    letters: NodeView['dead_letters'],
    unasked: readonly string[],
  ): Omit<NodeView, 'others' | 'ban' | 'key' | 'acts' | 'earlier_runs'> {
    const { contracts, links } = this.#options;
    const { compiled } = contracts;
    const registration = status?.registration ?? null;
    const row = recorded?.row ?? null;
    const view = stateViews(compiled).find(({ name }) => name === row?.state);
    const node: FleetNode | null =
      row === null ? known : { ...row, look: lookOf(row, view, compiled.orchestrator.initial, Date.now(), null) };
    const state = registration?.state ?? registration?.entering?.state ?? node?.state ?? null;
    const standing = {
      state,
      since: millis(registration?.since) ?? node?.since ?? null,
      reducer: registration?.reducer.status ?? node?.reducer ?? null,
      ended: registration?.ended ?? (node !== null && node.ended !== null),
      silent: node?.look === 'silent',
    };
    return {
      now: Date.now(),
      id,
      node,
      facts: recorded?.facts ?? null,
      run: described?.run ?? null,
      state,
      attempt: registration?.attempt ?? (node?.recorded === true ? node.attempt : null),
      no_answer,
      confirmed: confirmedBackends(registration?.reducer, node?.reducer ?? null, compiled),
      round: registration === null || registration.round === 0 ? (node?.round ?? null) : registration.round,
      rounds: registration?.rounds ?? null,
      ack_deadline: millis(registration?.ack_deadline) ?? node?.ack_deadline ?? null,
      contract_version: status?.contract_version ?? recorded?.facts.contract_version ?? null,
      pending: described?.pending ?? [],
      ...attemptStoryOf(status?.journal ?? [], standing, compiled),
      dead_letters: letters.slice(0, 5),
      links: {
        temporal: described === null ? null : links.run(id),
        runs: links.runs(id),
        consul: node === null ? null : links.service(node.type),
      },
      unasked,
    };
  }
}

function actOf({ at, action, refused, ...act }: KeptAction): Act {
  return { ...act, at: Date.parse(at), what: action, refused: refused === true };
}

function keyOf({ thumbprint, bound_at, bound_by, conflict, conflict_at }: BoundKey): NodeKeyView {
  const at = millis(conflict_at);
  const isShown = conflict !== null && at !== null && Date.now() - at < KEY_CONFLICT_SHOWN;
  return {
    thumbprint,
    bound_at: Date.parse(bound_at),
    bound_by,
    conflict: isShown ? { words: conflict, at } : null,
  };
}

function pendingSentence({ backend, activity, attempt, failure, next_at }: PendingTry): string {
  const who = backend === null ? activity : titleOf(backend);
  return `${who}, try ${next_at === null ? attempt : attempt - 1}${failure === null ? '' : `: ${failure}`}`;
}

function millis(time: string | null | undefined): number | null {
  return time === null || time === undefined ? null : Date.parse(time);
}
