import type { ContractView, StateView } from '../../api/contract.js';
import type { FleetNode, LookReason, RowDetail } from '../../api/fleet.js';
import { short, long } from './words.js';

export const GROUPS: Readonly<
  Record<LookReason, { readonly title: string; readonly hint: (contract: ContractView) => string }>
> = {
  silent: {
    title: 'The lease has run out',
    hint: ({ grace_seconds }) => `Expired after ${grace_seconds} s of grace, unless a heartbeat arrives.`,
  },
  backend: {
    title: 'A backend has not confirmed',
    hint: () => 'Tried again and again, without limit; nothing is lost. See Health, backends.',
  },
  ack: {
    title: 'No acknowledgement yet',
    hint: ({ ack }) =>
      ack === null
        ? 'The node may not read its topic.'
        : `Asked ${timesWords(ack.rounds)}, ${ack.seconds} s each. The node may not read its topic.`,
  },
  conflict: {
    title: 'Two processes under one id',
    hint: () => 'The registered one counts; heartbeats of the other do not. Stop one, or give it an id of its own.',
  },
  key: {
    title: 'Something came in its name that its key has not signed',
    hint: () => 'Another process may use its id, or the node has lost its key. Its page says what to do.',
  },
  ended: {
    title: 'Ended in the last hour, not by leaving',
    hint: () => 'A new startup of the node begins a new registration attempt; so does Retry.',
  },
};

export const LOOKS = Object.keys(GROUPS) as LookReason[];

/** What is going on with a node, in a sentence. */
export function whatIsGoingOn(
  node: FleetNode,
  detail: RowDetail | undefined,
  view: StateView | undefined,
  contract: ContractView,
  held: boolean,
  now: number,
): string {
  if (node.ended !== null) return node.reason ?? '';
  if (!node.recorded) return 'not in the registry yet';
  if (node.look === 'silent') {
    if (held) return 'silent; expiry is held by self-preservation';
    const lease = detail?.lease ?? node.lease ?? now;
    if (lease > now) return 'was silent, and sends heartbeats again';
    const beat = detail?.beat ?? node.beat;
    const left = lease + contract.grace_seconds * 1_000 - now;
    const expiry = left > 0 ? `expires in ${short(left + 999)} unless a heartbeat arrives` : 'expiry is due';
    return `silent for ${long(now - (beat ?? lease))}; ${expiry}`;
  }
  if (view?.tone === 'waiting' && view.shape === 'diamond') {
    const rounds = contract.ack?.rounds ?? null;
    const round = node.round === null ? '' : `, asked again${rounds === null ? '' : ` (at most ${rounds} times)`}`;
    return detail?.waits_for ?? `waits for the node’s acknowledgement${round}`;
  }
  if (node.state === contract.initial) return detail?.waits_for ?? 'waits for its backends';
  if (node.look === 'conflict') return 'another process sends heartbeats under its id; they do not count';
  if (node.look === 'key') return 'something came in its name that its key has not signed';
  return node.reason ?? '';
}

function timesWords(rounds: number | null): string {
  return rounds === null ? 'again and again' : `${rounds} times`;
}
