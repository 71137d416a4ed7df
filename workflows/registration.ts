import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { CompiledContract } from '../src/contracts/compiled.js';
import { derivedId } from '../src/protocol/ids.js';
import type { Introspection } from '../src/protocol/introspection.js';
import { openAttempt, publish, verifyAcksRead, verifyLease } from './ask.js';
import { decide, type Message } from './core/decide.js';
import { apply, beginAttempt, confirm, fire, refreshed, stepDone, type Turn } from './core/orchestrator.js';
import { eventsOf, intentsOf } from './core/outgoing.js';
import {
  isOver,
  livesByLease,
  nodeOfRecord,
  refreshAgain,
  withTimerDue,
  withLease,
  type Registration,
} from './core/registration.js';
import { millisBetween, plusSeconds } from './core/time.js';
import { currentDetails, filteredState, timerSummary, type JournalEntry, type Status } from './details.js';
import { Effects, type Answer } from './effects.js';
import {
  ACK_SIGNAL,
  INTROSPECTION_SIGNAL,
  RETRY_REFUSED,
  RETRY_UPDATE,
  SEARCH_ATTRIBUTES,
  STATUS_QUERY,
  SUSPECT_SIGNAL,
  type AckSignal,
} from './messages.js';

export interface Start {
  readonly node_id: string;
  /** From the run before this one (continue-as-new). */
  readonly carried?: {
    readonly registration: Registration;
    readonly contract: CompiledContract;
    readonly journal: readonly JournalEntry[];
  };
}

export interface Outcome {
  readonly node_id: string;
  readonly attempt: number;
  readonly state: string | null;
  readonly reason: string | null;
}

const introspectionSignal = defineSignal<[Introspection]>(INTROSPECTION_SIGNAL);
const ackSignal = defineSignal<[AckSignal]>(ACK_SIGNAL);
const suspectSignal = defineSignal(SUSPECT_SIGNAL);
/** Answers the new attempt's number. */
const retryUpdate = defineUpdate<number>(RETRY_UPDATE);
const statusQuery = defineQuery<Status>(STATUS_QUERY);

/** Enough to explain what a node is doing; the rest is in Temporal's history. */
const JOURNAL_LENGTH = 40;

/**
 * The life of one node, from its introspection until it is gone. Each turn of
 * the loop does the one thing that is next: publish, act, apply an answer of a
 * backend, judge a message, let a timer fire, or wait. Everything that is
 * decided is decided by the pure functions in core/, under the contract that
 * this execution recorded when it opened the attempt.
 */
export async function registration({ node_id, carried }: Start): Promise<Outcome> {
  const inbox: Message[] = [];
  const effects = new Effects();
  const journal: JournalEntry[] = [...(carried?.journal ?? [])];
  const verdicts = new Map<Message, { readonly ignored: string | null }>();
  let suspected = false;
  /** The worker runs another contract now: a reason to continue as new. */
  let outdated = false;

  // Handlers only fill the inbox, and stand before the first await: nothing is lost, or judged too early.
  setHandler(
    introspectionSignal,
    (payload) => void inbox.push({ event_model: 'ModelNodeIntrospectionEvent', payload }),
  );
  setHandler(
    ackSignal,
    (ack) => void inbox.push({ event_model: 'ModelNodeRegistrationAcked', payload: { ...ack, at: ack.at ?? now() } }),
  );
  setHandler(suspectSignal, () => void (suspected = true));
  setHandler(retryUpdate, retry);
  setHandler(statusQuery, () => ({ registration: carried?.registration ?? null, contract_version: null, journal }));
  setCurrentDetails('Asking the record for the last attempt of this node');

  const opening = await openAttempt(node_id);
  const keepsOld = carried !== undefined && !knows(opening.contract, carried.registration);
  let contract = keepsOld ? carried.contract : opening.contract;
  let contractIsFresh = true;
  let node = carried?.registration ?? nodeOfRecord(node_id, opening.record, contract, now());
  let filtered = carried === undefined ? contract.orchestrator.initial : filteredState(node, contract);
  const status = (): Status & { registration: Registration } => ({
    registration: node,
    contract_version: contract.version,
    journal,
  });
  setHandler(statusQuery, status);
  setHandler(retryUpdate, retry, { validator: mayRetry });
  if (carried === undefined && node.state !== null)
    note(`goes on with attempt ${node.attempt} in ${node.state}, as the record has it: its run is gone`);

  for (;;) {
    const step = node.entering?.steps[0];
    const answer = effects.answers.shift();
    const message = inbox[0];

    if (step?.kind === 'publish') await publishStep(step.actions);
    else if (answer !== undefined) hear(answer);
    else if (mayAct()) await act('step', step?.actions ?? []);
    else if (message !== undefined) await judge(message);
    else if (isDone()) return outcome();
    else if (node.refresh_due && node.entering === null && !effects.inFlight) await refresh();
    else if (isSuspected() || isDue()) await fireTimer();
    else if ((outdated || workflowInfo().continueAsNewSuggested) && node.entering === null && effects.landed) {
      await continueAsNew<typeof registration>({ node_id, carried: { registration: node, contract, journal } });
    } else await wait();
  }

  /** Finished before anything else is judged; when it returns, the broker has the events. */
  async function publishStep(actions: readonly string[]): Promise<void> {
    show();
    const events = eventsOf(node, actions, contract);
    const { sent_at } = await publish(events);
    note(`published ${events.map((event) => event.event_type).join(', ')}`);
    take(stepDone(node, now(), contract, { sent_at, last_id: events.at(-1)?.id ?? node.causation_id }));
  }

  /** Effects are next. The last word of an attempt is said when every flight has really ended, those of superseded attempts too. */
  function mayAct(): boolean {
    return (
      node.entering?.steps[0]?.kind === 'effects' && !effects.inFlight && (effects.landed || !node.entering.ending)
    );
  }

  /** Tries effects; the loop goes on, hears their answers, and those of what a backend could not do at once. */
  function act(purpose: 'step' | 'refresh', actions: readonly string[]): Promise<void> {
    return effects.carryOut(purpose, node_id, node.attempt, intentsOf(node, actions, contract), contract);
  }

  /** The backends get the node's changed data; its state stays. */
  async function refresh(): Promise<void> {
    note('the data has changed: bringing it to the backends');
    node = refreshed(node);
    await act('refresh', contract.refresh_actions);
  }

  /** A backend's answer. Those to the reducer's intents go to the reducer; the others only end their step. */
  function hear(answer: Answer): void {
    if (answer.kind === 'landed') {
      if (answer.purpose === 'step') take(stepDone(node, now(), contract));
      return;
    }
    if (answer.kind === 'fenced') {
      note(`a backend holds attempt ${answer.by}, this is attempt ${node.attempt}`);
      // The newest incarnation goes on above the holder, so that a lost record can't lock a node out.
      if (node.entering?.ending !== true && node.introspection !== null)
        begin(node.introspection, Math.max(node.attempt, answer.by) + 1, null);
      return;
    }
    const { route } = answer;
    const confirmed = answer.kind === 'confirmed';
    note(confirmed ? route.confirmation : `refused for good by ${answer.reason}`);
    const trigger = confirmed ? contract.confirmations[route.confirmation]?.trigger : 'error_received';
    if (answer.purpose !== 'registration' || trigger === undefined) return;
    const id = derivedId(
      node.incarnation?.correlation_id ?? '',
      confirmed ? route.confirmation : `${route.confirmation}.refused`,
      node_id,
    );
    take(
      confirm(node, { id, trigger, ...(confirmed ? {} : { reason: answer.reason }) }, now(), contract),
      'leave the other backend to finish',
    );
  }

  /** The handler decides; here its events are carried out. */
  async function judge(message: Message): Promise<void> {
    inbox.shift();
    let output = decide(node, message, contract);
    if (!contractIsFresh && output.events.some((event) => event.event === 'attempt_requested')) {
      // An attempt takes the contract as it is now; what that says about this message counts.
      contract = (await openAttempt(node_id)).contract;
      contractIsFresh = true;
      output = decide(node, message, contract);
    }
    if (output.ignored !== null) note(`ignored ${output.ignored}`);
    if (message.event_model === 'ModelRegistrationReset') verdicts.set(message, output);
    for (const event of output.events) {
      if (event.event === 'attempt_requested') begin(event.introspection, node.attempt + 1, event.refusal);
      else take(apply(node, event, now(), contract));
    }
  }

  /** An operator's retry. It is judged in its turn like every message; the answer is the new attempt's number. */
  async function retry(): Promise<number> {
    const message: Message = { event_model: 'ModelRegistrationReset', payload: { message_id: uuid4() } };
    inbox.push(message);
    await condition(() => verdicts.has(message));
    const ignored = verdicts.get(message)?.ignored ?? null;
    verdicts.delete(message);
    if (ignored !== null) throw ApplicationFailure.nonRetryable(`ignored ${ignored}`, RETRY_REFUSED);
    return node.attempt;
  }

  function mayRetry(): void {
    const { ignored } = decide(node, { event_model: 'ModelRegistrationReset', payload: { message_id: '' } }, contract);
    if (ignored !== null) throw ApplicationFailure.nonRetryable(`ignored ${ignored}`, RETRY_REFUSED);
  }

  /** A new attempt supersedes whatever is going on. */
  function begin(introspection: Introspection, attempt: number, refusal: string | null): void {
    effects.cancel();
    note(
      `attempt ${attempt} begins: introspection (${introspection.reason}) of ${introspection.at}${refusal === null ? '' : `, refused: ${refusal}`}`,
    );
    if (node.introspection !== null && node.introspection.node_type !== introspection.node_type) {
      upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.node_type, value: introspection.node_type }]);
    }
    node = beginAttempt(node, introspection, attempt, refusal, contract);
  }

  /** A timer fires only when what it stands for is verified. */
  async function fireTimer(): Promise<void> {
    const timer = currentTimer();
    if (timer === undefined) return;
    if (timer.verify === 'acks_read') {
      // The question is about the deadline, however much later it is asked again.
      const answer = await verifyAcksRead(node.ack_deadline ?? plusSeconds(node.since ?? now(), timer.seconds), now());
      if (!answer.read) return lookAgain(answer.again_at, answer.why);
      // An ack that was read meanwhile stands in the inbox and is judged first.
      if (inbox.length > 0) return;
    }
    if (timer.verify === 'lease') {
      suspected = false;
      const { window_seconds, grace_seconds } = contract.liveness;
      const answer = await verifyLease(
        { node_id, attempt: node.attempt, window_seconds, grace_seconds, contract_version: contract.version },
        now(),
      );
      outdated = !keepsOld && answer.contract_version !== contract.version;
      if (answer.outcome === 'unknown') return lookAgain(answer.again_at, answer.why);
      if (answer.outcome === 'renewed') {
        node = withLease(node, { liveness_deadline: answer.deadline });
        // A lease that runs out a moment after this look is to be found within the period, and verifying takes a moment too.
        return lookAgain(plusSeconds(now(), timer.seconds - Math.min(1, timer.seconds / 4)), null);
      }
      node = withLease(node, { last_heartbeat_at: answer.last_heartbeat_at });
    }
    note(`timer: ${timer.trigger}`);
    take(fire(node, timer.trigger, now(), contract));
  }

  /** A suspicion is about the lease: it waits while a node that lives by one is on its way elsewhere, and ends with the state (see take). */
  function isSuspected(): boolean {
    return suspected && node.entering === null && livesByLease(node.state, contract);
  }

  /** Nothing is left to do, and whoever asked has got an answer: an update's is given after its message was judged. */
  function isDone(): boolean {
    return isOver(node) && node.entering === null && allHandlersFinished();
  }

  function isDue(): boolean {
    return node.timer_due !== null && node.timer_due <= now();
  }

  function lookAgain(at: string, why: string | null): void {
    if (why !== null) note(`no verdict yet: ${why}`);
    node = withTimerDue(node, at);
  }

  function currentTimer() {
    const name = node.state === null ? null : (contract.orchestrator.states[node.state]?.timer ?? null);
    return name === null ? undefined : contract.timers[name];
  }

  /** Until a message, an answer, or the current timer. */
  async function wait(): Promise<void> {
    contractIsFresh = false;
    show();
    const woken = (): boolean =>
      inbox.length > 0 || effects.answers.length > 0 || isSuspected() || mayAct() || isDone();
    if (node.timer_due === null) await condition(woken);
    else
      await condition(woken, Math.max(1, millisBetween(now(), node.timer_due)), {
        summary: timerSummary(node, currentTimer()),
      });
  }

  /** What the machine says is the node's life from here on. Leaving a state ends what was in flight for it. */
  function take(turn: Turn, others?: 'leave the other backend to finish'): void {
    const before = node;
    node = turn.registration;
    let from = before.state ?? 'unknown';
    for (const state of turn.entered) {
      note(`${from} -> ${state}${node.reason === null ? '' : `: ${node.reason}`}`);
      from = state;
    }
    // A suspicion is of the lease there was; the one that was just opened nobody suspects.
    if (turn.entered.length > 0) suspected = false;
    const leaves = node.entering !== null && node.entering.state !== before.entering?.state;
    if (leaves && effects.inFlight && others === undefined) {
      if (effects.purpose === 'refresh') node = refreshAgain(node);
      effects.cancel();
    }
    if (turn.intents.length > 0)
      effects.register(node_id, node.attempt, intentsOf(node, turn.intents, contract), contract);
  }

  function note(what: string): void {
    journal.push({ at: now(), what });
    if (journal.length > JOURNAL_LENGTH) journal.shift();
  }

  /** What people see in Temporal's web UI. */
  function show(): void {
    setCurrentDetails(currentDetails(status(), contract));
    const state = filteredState(node, contract);
    if (state !== filtered) upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.state, value: state }]);
    filtered = state;
  }

  function outcome(): Outcome {
    show();
    return {
      node_id,
      attempt: node.attempt,
      state: node.state,
      reason: node.state === null ? 'nothing to do: no introspection that is newer than the record' : node.reason,
    };
  }
}

/** The server's time, as the workflow sees it. */
function now(): string {
  return new Date().toISOString();
}

/** Can a running attempt go on under this contract? Otherwise it ends as it began. */
function knows(contract: CompiledContract, { state }: Registration): boolean {
  return state === null || contract.orchestrator.states[state] !== undefined;
}
