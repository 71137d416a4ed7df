import type { CompiledContract, Timer } from '../src/contracts/compiled.js';
import { cut } from '../src/contracts/template.js';
import type { Registration } from './core/registration.js';
import { currentTimer } from './core/timer.js';
import type { JournalEntry } from './journal.js';

/** What the status query answers. */
export interface Status {
  /** null until the registry row was read. */
  readonly registration: Registration | null;
  readonly contract_version: string | null;
  /** Newest last; the older ones are in Temporal's history. */
  readonly journal: readonly JournalEntry[];
}

/** A node's state as one word: the one that it is in, or on its way into for the first time. */
function shownState(registration: Registration): string {
  return registration.state ?? registration.entering?.state ?? 'UNKNOWN';
}

/** What a timer stands for, as Temporal's web UI shows it. */
export function timerSummary({ attempt, round, rounds }: Registration, timer: Timer | undefined): string {
  const what = (timer?.trigger ?? 'timer').replaceAll('_', ' ');
  return rounds === null || timer?.rounds === null
    ? `${what}, registration attempt ${attempt}`
    : `${what}, round ${round} of ${rounds}, registration attempt ${attempt}`;
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
  if (currentTimer(registration, contract)?.verify === 'acks_read') {
    const { round, rounds, ack_deadline } = registration;
    parts.push(`ack round ${round} of ${rounds ?? 1}, until ${ack_deadline ?? 'soon'}`);
  }
  if (registration.reason !== null) parts.push(shortened(registration.reason));
  if (registration.refresh_refused !== null) {
    parts.push(`its newest data are refused: ${shortened(registration.refresh_refused)}`);
  }
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
    `registration attempt ${registration.attempt}, in this state since ${registration.since ?? 'just now'}`,
    `contract ${contract_version}`,
    ...journal.slice(-8).map(({ at, what }) => `- ${at} ${shortened(what)}`),
  ];
  return lines.join('\n\n').replaceAll('\n\n- ', '\n- ').replace('\n- ', '\n\n- ');
}

/** A person reads the beginning; the whole text is in the status query and in history. */
const LONGEST_SHOWN = 200;

function shortened(text: string): string {
  return cut(text, LONGEST_SHOWN);
}
