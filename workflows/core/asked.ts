import { askedByText, type AskedBy } from '../../src/protocol/asked-by.js';
import type { Message } from './message.js';

const WHAT: Readonly<Partial<Record<string, string>>> = {
  ModelNodeRegistrationAcked: 'an acknowledgement',
  ModelRegistrationReset: 'a retry',
};

const LONGEST_WHO = 100;
const LONGEST_WHY = 500;

/** What stands in a node's history of somebody's wish; nothing where a message carries no name. */
export function askedNotes({ event_model, payload }: Message): readonly string[] {
  const { asked_by } = (payload ?? {}) as { readonly asked_by?: Partial<AskedBy> | null };
  // Anybody may send a signal: what is not as it should be is left out.
  if (typeof asked_by?.who !== 'string') return [];
  const who = asked_by.who.slice(0, LONGEST_WHO);
  const why = typeof asked_by.why === 'string' ? asked_by.why.slice(0, LONGEST_WHY) : null;
  return [`${WHAT[event_model] ?? event_model} was asked for by ${askedByText({ who, why })}`];
}
