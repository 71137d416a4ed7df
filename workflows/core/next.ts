import type { CompiledContract } from '../../src/contracts/compiled.js';
import { decide } from './decide.js';
import { beginsAttempt, type HandlerOutput } from './handlers/output.js';
import type { Message } from './message.js';
import { currentState, isOver, livesByLease, stateOf, withChanges, type Registration } from './registration.js';

/** What a run has to do next. */
export type Task =
  | { readonly task: 'publish'; readonly actions: readonly string[] }
  | { readonly task: 'apply answer' }
  | { readonly task: 'run effects'; readonly actions: readonly string[] }
  | { readonly task: 'handle'; readonly message: Message }
  | { readonly task: 'begin again' }
  | { readonly task: 'finish' }
  | { readonly task: 'refresh' }
  | { readonly task: 'continue as new' }
  | { readonly task: 'check timer' }
  /** Until something changes; `until` is the time (ISO 8601) at which the timer is due. */
  | { readonly task: 'wait'; readonly until: string | null };

/** Where a piece of work stands. A cancelled one may still reach its backend, until it has ended. */
export type Flight = 'none' | 'in flight' | 'cancelled';

/** What a run knows besides the registration. */
export interface Surroundings {
  /** ISO 8601. */
  readonly now: string;
  /** Messages that nobody has handled yet, oldest first. */
  readonly inbox: readonly Message[];
  /** An effect or a publish has answered. */
  readonly answered: boolean;
  readonly effects: Flight;
  readonly publish: Flight;
  /** Somebody believes that the lease has run out. */
  readonly suspected: boolean;
  /** Whoever waits for an answer of this run has got it. */
  readonly everybodyAnswered: boolean;
  /** The history is long, or the worker has another contract. */
  readonly continueAsNew: boolean;
}

/**
 * What is next in a node's life. This function is the only place that says so:
 * the workflow's loop, the workflow's wait, `contracts trace` and the property
 * tests ask it. It is pure and total. The first line that holds decides.
 */
export function next(node: Registration, around: Surroundings, contract: CompiledContract): Task {
  return Object.freeze(rule(node, around, contract));
}

function rule(node: Registration, around: Surroundings, contract: CompiledContract): Task {
  const step = node.entering?.steps[0];
  if (around.answered) {
    const newer = beginning(node, around, contract);
    return newer === undefined ? { task: 'apply answer' } : { task: 'handle', message: newer };
  }
  if (step?.kind === 'publish' && around.publish === 'none') return { task: 'publish', actions: step.actions };
  if (step?.kind === 'effects' && mayRunEffects(node, around)) return { task: 'run effects', actions: step.actions };
  const message = around.inbox.find((waiting) => mayHandle(node, waiting, around, contract));
  if (message !== undefined) return { task: 'handle', message };

  const settled = around.effects === 'none' && around.publish === 'none';
  const mayLeave = settled && around.everybodyAnswered;
  if (node.entering !== null) return { task: 'wait', until: null };
  if (isOver(node)) return mayLeave ? { task: 'finish' } : { task: 'wait', until: null };
  if (node.unfinished) return { task: 'begin again' };

  if (settled && node.refresh_due) return { task: 'refresh' };
  // A suspicion is not handed over, and would be lost.
  if (around.suspected && livesByLease(node.state, contract)) return { task: 'check timer' };
  if (mayLeave && around.continueAsNew) return { task: 'continue as new' };
  const due = node.timer_due !== null && node.timer_due <= around.now;
  return due ? { task: 'check timer' } : { task: 'wait', until: node.timer_due };
}

/** The effects that end an attempt start after all earlier ones have ended: no backend gets an older write later. */
function mayRunEffects(node: Registration, { effects }: Surroundings): boolean {
  return node.entering?.ending === true ? effects === 'none' : effects !== 'in flight';
}

/** While a publish is in flight, only a message that supersedes it is handled. The others wait. */
function mayHandle(
  node: Registration,
  message: Message,
  { publish }: Surroundings,
  contract: CompiledContract,
): boolean {
  if (supersedes(node, decide(node, message, contract), contract)) return true;
  return publish !== 'in flight' && !waitsForState(node, message, contract);
}

/**
 * A request for a state waits while the node changes between two states that live by a lease. In the state that the
 * node leaves, a request to go back there would mean nothing, and be lost.
 */
function waitsForState(node: Registration, message: Message, contract: CompiledContract): boolean {
  const { state, entering } = node;
  if (entering === null || !livesByLease(state, contract) || !livesByLease(entering.state, contract)) return false;
  const there = withChanges(node, { state: entering.state, entering: null });
  return [node, there].some((one) => decide(one, message, contract).events.some(({ event }) => event === 'triggered'));
}

/**
 * The message with which a newer attempt begins. It is handled before the answers of the running attempt. Otherwise a
 * workflow task that is lost after the newer attempt was announced would be done anew with answers that came since, and
 * would announce the older attempt after the newer one. An end that has been decided comes first.
 */
function beginning(node: Registration, { inbox }: Surroundings, contract: CompiledContract): Message | undefined {
  if (stateOf(node.entering?.state, contract)?.terminal === true || isOver(node)) return undefined;
  return inbox.find((waiting) => beginsAttempt(decide(node, waiting, contract)));
}

/** A message supersedes when it begins a new attempt, or leads to an end. */
function supersedes(node: Registration, output: HandlerOutput, contract: CompiledContract): boolean {
  if (beginsAttempt(output)) return true;
  const from = stateOf(currentState(node), contract);
  return output.events.some(
    (event) =>
      event.event === 'triggered' && stateOf(from?.transitions[event.trigger]?.to, contract)?.terminal === true,
  );
}
