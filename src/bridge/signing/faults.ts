/** What may be wrong with a message's signature, for metrics; the reason itself is a sentence for a person. */
const SIGNATURE_FAULTS = {
  unsigned: 'it has no signature',
  malformed: 'its signature cannot be read',
  misplaced: 'its signature is for another node, topic or process',
  no_key: 'no key speaks for its node yet, and it introduces none',
  another_key: 'it is signed by a key that does not speak for its node',
  wrong_signature: 'its key has not signed these bytes',
  replayed: 'its key has signed a newer message of this kind',
} as const;

export type SignatureFault = keyof typeof SIGNATURE_FAULTS;

export const FAULTS = Object.keys(SIGNATURE_FAULTS) as readonly SignatureFault[];

/** Why a message does not count as its node's. */
export interface SigningFault {
  readonly ok: false;
  readonly fault: SignatureFault;
  /** A sentence for whoever sent it. */
  readonly reason: string;
}

/** @param more what this very message shows, after the fault's own words */
export function fault(name: SignatureFault, more: string): SigningFault {
  return { ok: false, fault: name, reason: `${SIGNATURE_FAULTS[name]}: ${more}` };
}
