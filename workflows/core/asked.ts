import { askedByText, type AskedBy } from '../../src/protocol/asked-by.js';
import type { Message } from './message.js';

const WHAT: Readonly<Partial<Record<string, string>>> = {
  ModelNodeRegistrationAcked: 'an acknowledgement',
  ModelRegistrationReset: 'a retry',
  ModelNodeDrainRequested: 'a drain',
  ModelNodeUndrainRequested: 'an undrain',
  ModelNodeEvictionRequested: 'an eviction',
};

const LONGEST_WHO = 100;
const LONGEST_WHY = 500;

/** What stands in a node's history of somebody's wish; nothing where a message carries no name. */
export function askedNotes({ event_model, payload }: Message): readonly string[] {
  const asked = askedBy(payload);
  return asked === null ? [] : [`${WHAT[event_model] ?? event_model} was asked for by ${askedByText(asked)}`];
}

/** Who asks, and why, in the length that a history keeps; null where a message carries no name. */
export function askedBy(payload: unknown): AskedBy | null {
  const { asked_by } = (payload ?? {}) as { readonly asked_by?: Partial<AskedBy> | null };
  // Anybody may send a signal: what is not as it should be is left out.
  if (typeof asked_by?.who !== 'string') return null;
  const why = typeof asked_by.why === 'string' ? asked_by.why.slice(0, LONGEST_WHY) : null;
  return { who: asked_by.who.slice(0, LONGEST_WHO), why };
}
