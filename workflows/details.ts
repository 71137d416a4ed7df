import type { CompiledContract, Timer } from '../src/contracts/compiled.js';
import { isOver, type Registration } from './core/registration.js';

/** What happened to a node, in words, with its time. */
export interface JournalEntry {
  readonly at: string;
  readonly what: string;
}

/** What the status query answers. */
export interface Status {
  /** null until the record has been asked. */
  readonly registration: Registration | null;
  readonly contract_version: string | null;
  /** Newest last; the older ones are in Temporal's history. */
  readonly journal: readonly JournalEntry[];
}

/** A node's state as one word: the one that it is in, or on its way into for the first time. */
export function shownState(registration: Registration): string {
  return registration.state ?? registration.entering?.state ?? 'UNKNOWN';
}

/**
 * The state as people filter by it in lists. Each change costs a transaction of
 * the server, so short-lived states count as the first one: lasting are ACTIVE
 * and other states with a timer (waiting for an ack only from its second
 * round), and the ends.
 */
export function filteredState(registration: Registration, contract: CompiledContract): string {
  const { state, round } = registration;
  const { initial, states } = contract.orchestrator;
  if (state === null) return initial;
  const { terminal = false, timer = null } = states[state] ?? {};
  const lasts = terminal ? isOver(registration) : timer === 'ack' ? round > 1 : timer !== null;
  return lasts ? state : initial;
}

/** What a timer stands for, as Temporal's web UI shows it. */
export function timerSummary({ attempt, round, rounds }: Registration, timer: Timer | undefined): string {
  const what = (timer?.trigger ?? 'timer').replaceAll('_', ' ');
  return rounds === null || timer?.rounds === null
    ? `${what}, attempt ${attempt}`
    : `${what}, round ${round} of ${rounds}, attempt ${attempt}`;
}

/** The status line: what a person wants to know first, then why. */
export function statusLine(registration: Registration, contract: CompiledContract): string {
  const { reducer, entering } = registration;
  const parts = [shownState(registration)];
  if (entering?.ending === true) parts.push('cleaning up in the backends');
  else if (entering !== null && registration.state !== null) parts.push(`on the way to ${entering.state}`);
  if (registration.state === contract.orchestrator.initial) {
    const flags = Object.entries(reducer).filter(([key]) => key.endsWith('_confirmed'));
    parts.push(
      `reducer ${reducer.status}`,
      ...flags.map(([key, up]) => `${key.replace('_confirmed', '')} ${up === true ? 'confirmed' : 'outstanding'}`),
    );
  }
  if (registration.state !== null && contract.orchestrator.states[registration.state]?.timer === 'ack') {
    parts.push(
      `ack round ${registration.round} of ${registration.rounds ?? 1}, until ${registration.ack_deadline ?? 'soon'}`,
    );
  }
  if (registration.reason !== null) parts.push(registration.reason);
  return parts.join(' · ');
}

/** Markdown for the "current details" of Temporal's web UI. */
export function currentDetails(
  { registration, contract_version, journal }: Status & { registration: Registration },
  contract: CompiledContract,
): string {
  const node = registration.introspection;
  const lines = [
    `**${statusLine(registration, contract)}**`,
    node === null
      ? `node ${registration.node_id}`
      : `${node.node_type} node ${registration.node_id}, version ${node.node_version}`,
    `attempt ${registration.attempt}, in this state since ${registration.since ?? 'just now'}, contract ${contract_version}`,
    ...journal.slice(-8).map((entry) => `- ${entry.at} ${entry.what}`),
  ];
  return lines.join('\n\n').replaceAll('\n\n- ', '\n- ').replace('\n- ', '\n\n- ');
}
