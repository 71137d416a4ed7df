import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { EventProducer } from '../kafka/producer.js';
import type { Bans } from './bans.js';
import type { BridgeCounters } from './counters.js';
import type { DeadLetters } from './dead-letters.js';
import type { Backend } from './backend.js';
import type { RunStart } from './run-options.js';
import type { Signing } from './signing/signing.js';

/** What the handling of every kind of message works with. */
export interface BridgeContext {
  readonly temporalClient: Client;
  readonly runs: RunStart;
  readonly pool: Pool;
  readonly producer: EventProducer;
  readonly deadLetters: DeadLetters;
  readonly bans: Bans;
  /** null: nobody looks at signatures. */
  readonly signing: Signing | null;
  readonly counters: BridgeCounters;
  readonly logger: Logger;
  readonly temporal: Backend;
  readonly postgres: Backend;
  readonly kafka: Backend;
}
