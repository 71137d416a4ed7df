import type { NodeType } from '../../protocol/fields.js';
import type { Endpoint } from '../terminal/arguments.js';

/** What `registrar node` is asked for on the command line. */
export interface NodeOptions {
  readonly id?: string;
  readonly type: NodeType;
  readonly version: string;
  readonly endpoint: readonly Endpoint[];
  readonly capability: readonly string[];
  /** --no-ack makes it false. */
  readonly ack: boolean;
  /** Files with its private key, and with the one before that. */
  readonly key?: string;
  readonly previousKey?: string;
}
