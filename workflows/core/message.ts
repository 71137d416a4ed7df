import type { AskedBy } from '../../src/protocol/asked-by.js';
import type { Ack } from '../../src/protocol/ack.js';
import type { DrainRequest } from '../../src/protocol/drain-request.js';
import type { Introspection } from '../../src/protocol/introspection.js';

/** What somebody asks for, without data of the node. The id is the root of what follows from it. */
export interface Command {
  readonly message_id: string;
  /** For the node's history. */
  readonly asked_by?: AskedBy;
}

/** A command that leads to a state: an operator's, or the node's own, which carries what its message said. */
export type Request = Command & Partial<DrainRequest>;

/** An operator's command that ends an attempt. */
export interface Eviction extends Command {
  /** Why the node may not come back; absent or null where it may. */
  readonly ban?: string | null;
}

/** Payloads of the event models that ship. Another model carries what its own handler reads. */
export interface Payloads {
  readonly ModelNodeIntrospectionEvent: Introspection;
  readonly ModelNodeRegistrationAcked: Ack;
  readonly ModelRegistrationReset: Command;
  readonly ModelRepairRequested: Command;
  readonly ModelRunCancelled: Command;
  readonly ModelNodeDrainRequested: Request;
  readonly ModelNodeUndrainRequested: Request;
  readonly ModelNodeEvictionRequested: Eviction;
}

/** A message for one node: the name of its event model, by which the contract routes it, and its payload. */
export interface Message<Model extends string = string> {
  readonly event_model: Model;
  readonly payload: Model extends keyof Payloads ? Payloads[Model] : unknown;
}
