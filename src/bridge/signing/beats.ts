import type { IncomingRecord } from '../../kafka/consumer.js';
import type { NodeKey } from '../../protocol/node-key.js';
import type { Signature } from '../../protocol/signature.js';
import type { KnownSignatory, NumberToKeep } from '../../registry/keys/signed-numbers.js';
import {
  ageOf,
  numberOf,
  replayed,
  signatoryOf,
  speakerOf,
  wronglySigned,
  type claimIn,
  type NodeMessage,
} from './claim.js';
import type { SigningFault } from './faults.js';

/** A heartbeat that can be understood. */
export interface ReadHeartbeat {
  readonly record: IncomingRecord;
  readonly message: NodeMessage;
}

/** What a batch of heartbeats comes to. */
export interface SignedBeats<Read> {
  /** Those that renew leases. */
  readonly counting: readonly Read[];
  /** How many are refused, since their nodes have not signed them. */
  readonly refused: number;
  /** To be kept in the transaction that renews the leases. */
  readonly numbers: readonly NumberToKeep[];
  /** Signed, for nodes for which no key speaks yet: their introspections bind one. */
  readonly unbound: readonly Read[];
}

interface Candidate<Read> {
  readonly one: Read;
  readonly signature: Signature;
  readonly key: NodeKey;
}

interface Found<Read> {
  readonly signed: readonly Read[];
  readonly numbers: readonly NumberToKeep[];
  readonly faulty: readonly { readonly one: Read; readonly fault: SigningFault }[];
}

/**
 * The newest heartbeat of each process that its node has signed, and what is wrong with others.
 *
 * @param listed the keys that the directory has for a node; null: there is no directory
 */
export async function newestSigned<Read extends ReadHeartbeat>(
  claims: readonly { readonly one: Read; readonly claim: ReturnType<typeof claimIn> }[],
  known: readonly KnownSignatory[],
  listed: (node_id: string) => readonly NodeKey[] | null,
): Promise<Found<Read>> {
  const bySignatory = new Map(known.map((one) => [placeOf(one.node_id, one.thumbprint), one]));
  const faulty: { one: Read; fault: SigningFault }[] = [];
  const processes = new Map<string, Candidate<Read>[]>();
  for (const { one, claim } of claims) {
    if (!claim.ok) {
      faulty.push({ one, fault: claim });
      continue;
    }
    const { signature } = claim;
    const { node_id, instance_id = '' } = one.message;
    const { bound = null, newest = null } = bySignatory.get(placeOf(node_id, signature.kid)) ?? {};
    const age = ageOf(signature, one.record, newest);
    if (age === 'handled') continue;
    const speaker = await speakerOf(signature, false, { bound, listed: listed(node_id) });
    if (!speaker.ok) faulty.push({ one, fault: speaker });
    else if (age === 'replayed') faulty.push({ one, fault: replayed(signature, newest) });
    else {
      const process = `${placeOf(node_id, signature.kid)} ${instance_id}`;
      const others = processes.get(process) ?? [];
      others.push({ one, signature, key: speaker.key });
      processes.set(process, others);
    }
  }
  const results = await Promise.all([...processes.values()].map(newestValid));
  const signed = results.flatMap(({ newest }) => (newest === null ? [] : [newest]));
  return {
    signed: signed.map(({ one }) => one),
    numbers: highest(signed),
    faulty: [...faulty, ...results.flatMap((result) => result.faulty)],
  };
}

/** From the newest on, until one is valid. */
async function newestValid<Read extends ReadHeartbeat>(candidates: readonly Candidate<Read>[]) {
  const faulty: { one: Read; fault: SigningFault }[] = [];
  for (const each of [...candidates].sort((a, b) => b.signature.number - a.signature.number)) {
    const wrong = await wronglySigned(each.signature, each.one.record, each.key);
    if (wrong === null) return { newest: each, faulty };
    faulty.push({ one: each.one, fault: wrong });
  }
  return { newest: null, faulty };
}

/** Two processes may sign with one key: the higher number is kept. */
function highest<Read extends ReadHeartbeat>(signed: readonly Candidate<Read>[]): readonly NumberToKeep[] {
  const numbers = new Map<string, NumberToKeep>();
  for (const { one, signature } of signed) {
    const number = numberOf(signatoryOf(one, signature), signature, one.record);
    const place = placeOf(number.node_id, number.thumbprint);
    if ((numbers.get(place)?.number ?? 0) < number.number) numbers.set(place, number);
  }
  return [...numbers.values()];
}

const placeOf = (node_id: string, thumbprint: string): string => `${node_id} ${thumbprint}`;
