import type { ContractView } from './contract.js';

/**
 * Why a node needs a look. silent: its lease has run out. backend: a backend has not confirmed it for 30 s.
 * ack: it is asked for its acknowledgement again. conflict: another process sends heartbeats under its id. key: what
 * comes in its name is not signed by its key. ended: it ended within the last hour, and not by leaving.
 */
export type LookReason = 'silent' | 'backend' | 'ack' | 'conflict' | 'key' | 'ended';

/** A node of the list. Times are milliseconds since 1970, by the database's clock. */
export interface FleetNode {
  readonly id: string;
  readonly type: string;
  readonly version: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempt: number;
  readonly since: number;
  readonly ended: number | null;
  /** Status of the reducer. */
  readonly reducer: string;
  /** Number of the ack round, where it is more than the first. */
  readonly round: number | null;
  readonly ack_deadline: number | null;
  /** Until when the lease lasts; null without a lease. */
  readonly lease: number | null;
  readonly beat: number | null;
  readonly look: LookReason | null;
  /** false: only Temporal knows the node yet. */
  readonly recorded: boolean;
}

/** The fields of a node, in the order in which chunks carry them. */
export const COLUMNS = [
  'id',
  'type',
  'version',
  'state',
  'reason',
  'attempt',
  'since',
  'ended',
  'reducer',
  'round',
  'ack_deadline',
  'lease',
  'beat',
  'look',
  'recorded',
] as const satisfies readonly (keyof FleetNode)[];

/** First event of a stream. */
export interface Hello {
  /** Milliseconds since 1970, by the server's clock: the page counts by the difference. */
  readonly now: number;
  readonly env: string;
  readonly namespace: string;
  readonly contract: ContractView;
  readonly actions_allowed: boolean;
  /** The name under which a proxy has let this person in; null: people are asked. */
  readonly known_as: string | null;
  /** The command that starts a node here. */
  readonly try_command: string;
  /** true: only what was missed follows; false: the whole fleet does. */
  readonly resumed: boolean;
}

/** A part of the fleet: one array a column. */
export interface Chunk {
  readonly columns: readonly (readonly unknown[])[];
}

/** How many nodes stood in each state, minute by minute, oldest first; the last number is now. */
export interface History {
  readonly states: Readonly<Record<string, readonly number[]>>;
}

export interface Delta {
  readonly added: readonly FleetNode[];
  /** Only the fields that changed. */
  readonly changed: readonly (readonly [id: string, fields: Partial<FleetNode>])[];
  readonly gone: readonly string[];
}

/** What stands above everything: sent when it changes, and every 15 s so that a broken line is noticed. */
export interface Pulse {
  readonly now: number;
  /** null: the registry answers. */
  readonly registry_failure: { readonly since: number; readonly words: string; readonly todo: string } | null;
  /** null: self-preservation is off. */
  readonly held: HeldBack | null;
  /** How many things on the health screen need a look. */
  readonly health_problems: number;
}

export interface HeldBack {
  readonly since: number;
  /** When it ends by itself at the latest, if the stream moves on. */
  readonly until: number;
  readonly gone: number;
  readonly of: number;
}

/** What a row on the screen shows beyond the stream: asked for the visible rows only. */
export interface RowDetail {
  readonly id: string;
  readonly lease: number | null;
  readonly beat: number | null;
  /** What its run waits for, in a sentence; null when its row says all. */
  readonly waits_for: string | null;
}
