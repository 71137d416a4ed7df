import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { IncomingRecord } from '../../kafka/consumer.js';
import { bindKey } from '../../registry/keys/bound-keys.js';
import { keepNumbers, readSignatories, type NumberToKeep } from '../../registry/keys/signed-numbers.js';
import { isAboutTheData } from '../../registry/pool.js';
import type { Backend } from '../backend.js';
import type { StreamKind } from '../bridge-topics.js';
import { newestSigned, type ReadHeartbeat, type SignedBeats } from './beats.js';
import {
  ageOf,
  claimIn,
  numberOf,
  replayed,
  signatoryOf,
  speakerOf,
  wronglySigned,
  type NodeMessage,
} from './claim.js';
import { FaultBook, type FaultCount } from './fault-book.js';
import type { SigningFault } from './faults.js';
import type { KeyDirectory } from './key-directory.js';

/** Whether a message is its node's. */
export type Checked =
  /** It counts. `keep` makes it the newest of its key, once its effect is durable. */
  | { readonly outcome: 'counts'; keep(): Promise<void> }
  /** It had its effect before. */
  | { readonly outcome: 'handled' }
  | { readonly outcome: 'refused'; readonly reason: string };

interface SigningOptions {
  readonly pool: Pool;
  readonly postgres: Backend;
  readonly logger: Logger;
  readonly mode: 'warn' | 'enforce';
  readonly directory: KeyDirectory | null;
}

type Found =
  | { readonly outcome: 'signed'; readonly number: NumberToKeep }
  | { readonly outcome: 'handled' }
  | { readonly outcome: 'faulty'; readonly fault: SigningFault };

const HANDLED = { outcome: 'handled' } as const;
const faulty = (found: SigningFault) => ({ outcome: 'faulty', fault: found }) as const;

/**
 * Whether what is read was sent by the node that it names: signed by the key that is bound to the node's id, and never
 * read before. The mode is the contract's: `warn` lets a message count all the same.
 */
export class Signing {
  readonly #options: SigningOptions;
  readonly #book: FaultBook;

  constructor(options: SigningOptions) {
    this.#options = options;
    this.#book = new FaultBook(options, this.accepts ? 'accepted' : 'refused');
  }

  /** Whether a message that its node has not signed counts all the same. */
  get accepts(): boolean {
    return this.#options.mode === 'warn';
  }

  counts(): readonly FaultCount[] {
    return this.#book.counts();
  }

  /**
   * Checks one message, in its node's turn. An introspection may bind its key to its node.
   *
   * @param signal ends the waiting for the database
   */
  async check(kind: StreamKind, record: IncomingRecord, message: NodeMessage, signal: AbortSignal): Promise<Checked> {
    const { pool } = this.#options;
    const found = await this.#asked(signal, () => this.#find(kind, record, message));
    switch (found.outcome) {
      case 'signed':
        return { outcome: 'counts', keep: () => this.#asked(signal, () => keepNumbers(pool, kind, [found.number])) };
      case 'handled':
        return HANDLED;
      case 'faulty': {
        await this.#book.add(kind, [{ record, message, fault: found.fault }]);
        if (this.accepts) return { outcome: 'counts', keep: () => Promise.resolve() };
        return { outcome: 'refused', reason: `it is not shown to be from its node: ${found.fault.reason}` };
      }
    }
  }

  async #find(kind: StreamKind, record: IncomingRecord, message: NodeMessage): Promise<Found> {
    const { pool, directory } = this.#options;
    const claim = claimIn(record, message);
    if (!claim.ok) return faulty(claim);
    const { signature } = claim;
    const { node_id } = message;
    const signatory = signatoryOf({ message }, signature);
    const [known] = await readSignatories(pool, kind, [signatory]);
    const { bound, newest } = known ?? { bound: null, newest: null };
    const age = ageOf(signature, record, newest);
    if (age === 'handled') return HANDLED;
    const listed = directory?.keysOf(node_id) ?? null;
    const speaker = await speakerOf(signature, kind === 'introspections', { bound, listed });
    if (!speaker.ok) return faulty(speaker);
    const wrong =
      age === 'replayed' ? replayed(signature, newest) : await wronglySigned(signature, record, speaker.key);
    if (wrong !== null) return faulty(wrong);
    const { binds, key } = speaker;
    // Where a key was bound meanwhile, that one decides.
    if (binds !== null && !(await bindKey(pool, node_id, key, bound?.thumbprint ?? null, binds)))
      return this.#find(kind, record, message);
    return { outcome: 'signed', number: numberOf(signatory, signature, record) };
  }

  /**
   * Checks a batch of heartbeats with one question to the database. Of each process of a node the newest one that is
   * valid counts, and those before it are not verified: under a backlog that is most of them.
   */
  async heartbeats<Read extends ReadHeartbeat>(read: readonly Read[], signal: AbortSignal): Promise<SignedBeats<Read>> {
    const { pool, directory } = this.#options;
    const claims = read.map((one) => ({ one, claim: claimIn(one.record, one.message) }));
    const signatories = claims.flatMap(({ one, claim }) => (claim.ok ? [signatoryOf(one, claim.signature)] : []));
    const known = await this.#asked(signal, () => readSignatories(pool, 'heartbeats', signatories));
    const found = await newestSigned(claims, known, (node_id) => directory?.keysOf(node_id) ?? null);
    await this.#book.add(
      'heartbeats',
      found.faulty.map(({ one, fault }) => ({ ...one, fault })),
    );
    const faulty = found.faulty.map(({ one }) => one);
    return {
      counting: this.accepts ? [...found.signed, ...faulty] : found.signed,
      refused: this.accepts ? 0 : faulty.length,
      numbers: found.numbers,
      unbound: found.faulty.flatMap(({ one, fault }) => (fault.fault === 'no_key' ? [one] : [])),
    };
  }

  #asked<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    return this.#options.postgres.untilAnswered(call, { signal, isFinal: isAboutTheData });
  }
}
