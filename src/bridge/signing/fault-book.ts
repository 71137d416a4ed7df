import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { IncomingRecord } from '../../kafka/consumer.js';
import { OnceAMinute } from '../../once-a-minute.js';
import { noteConflicts } from '../../registry/keys/bound-keys.js';
import type { Backend } from '../backend.js';
import { STREAM_KINDS, type StreamKind } from '../bridge-topics.js';
import type { NodeMessage } from './claim.js';
import { FAULTS, type SigningFault, type SignatureFault } from './faults.js';

/** A message that its node has not signed. */
export interface FaultyMessage {
  readonly record: Pick<IncomingRecord, 'topic' | 'partition' | 'offset'>;
  readonly message: NodeMessage;
  readonly fault: SigningFault;
}

/** How many messages there were of one kind with one fault. */
export interface FaultCount {
  readonly kind: StreamKind;
  readonly fault: SignatureFault;
  readonly count: number;
}

/** Counts messages that their nodes have not signed, logs each kind of fault once a minute, and notes conflicts. */
export class FaultBook {
  readonly #pool: Pool;
  readonly #postgres: Backend;
  readonly #logger: Logger;
  readonly #outcome: 'accepted' | 'refused';
  readonly #counts = new Map<string, number>();
  readonly #logged = new OnceAMinute();
  readonly #noted = new OnceAMinute();

  /** @param outcome what becomes of such messages */
  constructor(
    { pool, postgres, logger }: { readonly pool: Pool; readonly postgres: Backend; readonly logger: Logger },
    outcome: 'accepted' | 'refused',
  ) {
    this.#pool = pool;
    this.#postgres = postgres;
    this.#logger = logger;
    this.#outcome = outcome;
  }

  /** Of every kind and fault, also where there was none: a metric that begins at 0 shows the first one. */
  counts(): readonly FaultCount[] {
    return STREAM_KINDS.flatMap((kind) =>
      FAULTS.map((fault) => ({ kind, fault, count: this.#counts.get(keyOf(kind, fault)) ?? 0 })),
    );
  }

  /** A conflict of a node is written down once a minute, however many messages there are; it is no duty. */
  async add(kind: StreamKind, messages: readonly FaultyMessage[]): Promise<void> {
    for (const message of messages) this.#count(kind, message);
    const conflicts = messages.flatMap(({ message: { node_id }, fault: { reason } }) =>
      this.#noted.isDue(node_id) ? [{ node_id, conflict: `${kind}, ${this.#outcome}: ${reason}` }] : [],
    );
    if (conflicts.length > 0) await this.#postgres.once(() => noteConflicts(this.#pool, conflicts));
  }

  #count(kind: StreamKind, { record, message, fault: { fault, reason } }: FaultyMessage): void {
    const key = keyOf(kind, fault);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (!this.#logged.isDue(fault)) return;
    const { topic, partition, offset } = record;
    const { node_id, instance_id } = message;
    this.#logger.warn(
      { node_id, instance_id, topic, partition, offset, fault, reason },
      `a message that its node has not signed is ${this.#outcome}: ${reason}`,
    );
  }
}

const keyOf = (kind: StreamKind, fault: SignatureFault): string => `${kind} ${fault}`;
