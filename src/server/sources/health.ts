import type { SelfPreservationQuestion, SelfPreservationState } from '../../registry/leases/self-preservation.js';
import { heldUntil, shareOf } from '../../registry/leases/self-preservation-words.js';
import type { StoredReconciliation } from '../../registry/reconciliations.js';
import type { BackendHealth, Health, HealthFigure, SelfPreservation, StreamHealth, Verdict } from '../api/health.js';
import type { DeadLetterView } from '../api/node.js';

/** A watermark that is further behind stops expiry for its topic: worth a look. Milliseconds. */
const BEHIND = 10_000;
/** More records that wait, for five minutes and not fewer at their end: as with the alert RegistrarLagGrows. */
const BACKLOG = 1_000;
/** A dead letter is news for so long, as with the alert RegistrarDeadLetters. Milliseconds. */
const NEW_LETTER = 600_000;
/** A comparison may wait for a lock and a slow backend: so many rounds later it is late. */
const LATE_ROUNDS = 4;

type Reconciled = Pick<StoredReconciliation, 'at' | 'rows' | 'entries' | 'differences' | 'outcomes' | 'failure'>;

/** What was found at the last look; null where it could not be found out. */
export interface HealthFacts {
  readonly backends: readonly BackendHealth[];
  readonly held: { readonly state: SelfPreservationState; readonly question: SelfPreservationQuestion } | null;
  readonly topics: readonly {
    readonly topic: string;
    readonly keeps_watermark: boolean;
    readonly lag: number | null;
    /** Of five minutes ago; null where it is not known. */
    readonly lag_before: number | null;
    readonly partitions: readonly number[];
  }[];
  /** Whether a bridge sweeps; null when the registry was not asked, or the contract has no sweep. */
  readonly swept: boolean | null;
  readonly sweep_seconds: number | null;
  /** The last comparison of Consul with the registry; null when the registry was not asked. */
  readonly reconciled: Reconciled | null;
  /** null: the contract has no reconciler. */
  readonly reconcile_seconds: number | null;
  /** Workers that poll. */
  readonly workers: { readonly polling: readonly string[]; readonly queue: string } | null;
  readonly contract_version: string;
  /** Nodes by the contract under which their row was written last. */
  readonly contracts: readonly { readonly version: string; readonly nodes: number }[];
  readonly dead_letters: readonly DeadLetterView[];
  readonly dead_letters_failure: string | null;
  /** Nodes that wait for a backend. */
  readonly waiting: number;
}

/** The health screen's words, from what was found. */
export function healthOf(facts: HealthFacts): Health {
  const self_preservation = facts.held === null ? null : selfPreservation(facts.held);
  const streams = facts.topics.map(stream);
  const parts = [sweepPart(facts), reconcilerPart(facts), workersPart(facts), contractPart(facts)].filter(
    (part) => part !== null,
  );
  const failing = facts.backends.filter(({ verdict }) => verdict === 'look');
  const holds = self_preservation?.verdict === 'look';
  const letters = { verdict: lettersVerdict(facts) };
  const look = [...streams, ...parts, letters].some(({ verdict }) => verdict === 'look') || failing.length > 0 || holds;
  return {
    now: Date.now(),
    ...headline(holds, failing, look, facts.waiting),
    verdict: look ? 'look' : 'ok',
    self_preservation,
    streams,
    backends: facts.backends,
    parts,
    dead_letters_count: facts.dead_letters.length,
    dead_letters: facts.dead_letters.slice(0, 50),
    dead_letters_verdict: letters.verdict,
    dead_letters_failure: facts.dead_letters_failure,
  };
}

function headline(
  holds: boolean,
  failing: readonly BackendHealth[],
  look: boolean,
  waiting: number,
): Pick<Health, 'title' | 'sentence'> {
  if (holds)
    return {
      title: 'The registrar holds back',
      sentence: 'Too much of the fleet is silent at once, so nobody expires.',
    };
  if (failing.length > 0) {
    const names = failing.map(({ name }) => name).join(' and ');
    return {
      title: `${names} ${failing.length === 1 ? 'does' : 'do'} not answer`,
      sentence:
        waiting > 0
          ? `${waitingWords(waiting)} Nothing is lost.`
          : 'What needs it waits and goes on by itself. Nothing is lost.',
    };
  }
  if (look) return { title: 'Something needs a look', sentence: 'Each part below says what to do.' };
  return { title: 'The registrar works', sentence: 'Nothing to do.' };
}

function waitingWords(count: number): string {
  return count === 1
    ? '1 registration waits and goes on by itself.'
    : `${number(count)} registrations wait and go on by themselves.`;
}

function selfPreservation({ state, question }: NonNullable<HealthFacts['held']>): SelfPreservation {
  const now = new Date().toISOString();
  return {
    verdict: state.held_since === null ? 'ok' : 'look',
    held_since: state.held_since === null ? null : Date.parse(state.held_since),
    held_until: state.held_since === null ? null : Date.parse(heldUntil(state, question, now)),
    share_now: shareOf(state),
    share: question.rule.share,
    floor: question.rule.floor,
    gone: state.suspects + state.expired,
    of: state.active + state.expired,
    max_hold_seconds: question.rule.max_hold_windows * question.window_seconds,
  };
}

function stream({ topic, keeps_watermark, lag, lag_before, partitions }: HealthFacts['topics'][number]): StreamHealth {
  const behind = partitions.length === 0 ? null : Math.max(...partitions);
  const isLate = keeps_watermark && behind !== null && behind > BEHIND;
  const isBacklog = lag !== null && lag_before !== null && lag_before > BACKLOG && lag >= lag_before;
  const verdict = isLate || isBacklog ? 'look' : lag === null && behind === null ? 'unknown' : 'ok';
  return { topic, lag, behind, keeps_watermark, partitions, verdict, todo: streamTodo(isLate, isBacklog) };
}

function streamTodo(isLate: boolean, isBacklog: boolean): string | null {
  if (isLate)
    return (
      'A watermark that stays behind means that no bridge reads, or that Kafka takes no heartbeats. Until it moves, ' +
      'nobody expires. Start a bridge: registrar bridge'
    );
  return isBacklog
    ? 'A backlog that does not shrink: see in the bridge’s log which server it waits for. Where it waits for none, ' +
        'start more bridges: as many as the topic has partitions share the work.'
    : null;
}

function lettersVerdict({ dead_letters, dead_letters_failure }: HealthFacts): Verdict {
  if (dead_letters_failure !== null) return 'unknown';
  const news = Date.now() - NEW_LETTER;
  return dead_letters.some(({ at, replayed }) => at > news && !replayed) ? 'look' : 'ok';
}

function sweepPart({ swept, sweep_seconds }: HealthFacts): HealthFigure | null {
  if (sweep_seconds === null) return null;
  return {
    name: 'Sweep',
    beside: `every ${sweep_seconds} s`,
    verdict: swept === null ? 'unknown' : swept ? 'ok' : 'look',
    figure: swept === null ? 'not known' : swept ? 'runs' : 'nobody sweeps',
    unit: '',
    sentence:
      swept === false
        ? 'No bridge looks for nodes whose lease has run out. Their own timers find them, hours later.'
        : 'One bridge looks for nodes whose lease has run out, and wakes their runs.',
    todo: swept === false ? 'Start a bridge: registrar bridge' : 'Held by one bridge at a time; another takes over.',
  };
}

function reconcilerPart({ reconciled, reconcile_seconds }: HealthFacts): HealthFigure | null {
  if (reconcile_seconds === null) return null;
  const part = { name: 'Reconciler', beside: `every ${reconcile_seconds} s` };
  const at = reconciled?.at ?? null;
  if (reconciled === null || (at === null && reconciled.failure === null))
    return {
      ...part,
      verdict: 'unknown',
      figure: 'not known',
      unit: '',
      sentence: 'Nothing was compared yet, or the registry did not answer.',
      todo: 'The bridge that sweeps compares Consul with the registry.',
    };
  const { failure, rows, entries, differences, outcomes } = reconciled;
  const count = sum(differences);
  const age = at === null ? null : Math.round((Date.now() - Date.parse(at)) / 1_000);
  const late = age === null || age > LATE_ROUNDS * reconcile_seconds;
  const compared = `${number(rows)} rows with ${number(entries)} entries of Consul, ${age ?? '?'} s ago`;
  const isNotMended = (outcomes.failed ?? 0) + (outcomes.held ?? 0) > 0;
  const found = count === 0 ? 'Consul shows what the registry says.' : listed(differences, outcomes);
  return {
    ...part,
    verdict: failure !== null || late || isNotMended ? 'look' : 'ok',
    figure: number(count),
    unit: count === 1 ? 'difference' : 'differences',
    sentence: failure !== null ? `The last comparison could not be done: ${failure}` : `Compared ${compared}. ${found}`,
    todo:
      failure !== null || late
        ? 'Look at Consul, and whether a bridge runs; once by hand: registrar reconcile --dry-run'
        : isNotMended
          ? 'registrar reconcile --dry-run names them. "held" are too many at once to be true; see their runs.'
          : 'What differs twice is mended: its run writes it again, or it is removed.',
  };
}

function sum(counts: Reconciled['differences']): number {
  return Object.values(counts).reduce<number>((total, one) => total + (one ?? 0), 0);
}

/** "2 missing, 1 foreign; 2 signalled". */
function listed(...all: readonly Reconciled['differences'][]): string {
  const one = (counts: Reconciled['differences']): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
      .join(', ');
  return `${all
    .map(one)
    .filter((text) => text !== '')
    .join('; ')}.`;
}

function workersPart({ workers }: HealthFacts): HealthFigure {
  const count = workers?.polling.length ?? 0;
  return {
    name: 'Workers',
    beside: workers === null ? '' : `task queue ${workers.queue}`,
    verdict: workers === null ? 'unknown' : count > 0 ? 'ok' : 'look',
    figure: workers === null ? 'not known' : String(count),
    unit: workers === null ? '' : 'polling',
    sentence:
      workers === null
        ? 'Temporal did not answer.'
        : count > 0
          ? `Polled within the last minute: ${workers.polling.slice(0, 4).join(', ')}${count > 4 ? ', …' : ''}.`
          : 'Nobody polls: nodes wait, and none is lost.',
    todo:
      count > 0 || workers === null
        ? 'A worker that is alive polls at least once a minute.'
        : 'Start one: registrar worker',
  };
}

function contractPart({ contract_version, contracts }: HealthFacts): HealthFigure {
  const others = contracts.filter(({ version }) => version !== contract_version);
  const versions = others.map(({ version }) => version).join(', ');
  const count = others.reduce((sum, { nodes }) => sum + nodes, 0);
  const total = contracts.reduce((sum, { nodes }) => sum + nodes, 0);
  return {
    name: 'Contract',
    beside: contract_version,
    verdict: 'ok',
    figure: number(total - count),
    unit: `of ${number(total)} ${total === 1 ? 'node' : 'nodes'} on it`,
    sentence:
      count === 0
        ? 'Every row was written under the contract of this server.'
        : `${number(count)} still follow ${versions}; each takes the new one with its next registration attempt.`,
    todo: 'A run keeps the contract under which its registration attempt began.',
  };
}

const numbers = new Intl.NumberFormat('en');

function number(value: number): string {
  return numbers.format(value);
}
