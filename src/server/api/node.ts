import type { Act } from './activity.js';
import type { FleetNode } from './fleet.js';

/** Kind of a step of an attempt; it decides its sign. */
type StepKind = 'person' | 'node' | 'state' | 'confirmed' | 'failed' | 'published' | 'timer' | 'other';

export interface StepView {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: StepKind;
  /** The line on which it stands in the timeline: "node", "state", "published", or a backend. */
  readonly lane: string | null;
  readonly text: string;
  /** Fact beside the text. */
  readonly detail: string | null;
  /** Another program's words, shown as they are. */
  readonly words: string | null;
  /** For a state: which one was entered. */
  readonly state: string | null;
}

/** A state of the orchestrator over time; `to` is null while it lasts. */
export interface Span {
  readonly state: string;
  readonly from: number;
  readonly to: number | null;
}

/** The path through a state machine. */
export interface PathTaken {
  readonly here: string | null;
  /** When each state was entered for the last time. */
  readonly seen: Readonly<Record<string, number>>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly trigger: string | null }[];
  /** Transitions that may come next. */
  readonly next: readonly { readonly from: string; readonly to: string; readonly trigger: string }[];
}

/** What Temporal has not been able to finish yet. */
export interface PendingTry {
  readonly activity: string;
  /** The contract's name of the backend; null if it is none's. */
  readonly backend: string | null;
  readonly attempt: number;
  readonly limit: number | null;
  readonly failure: string | null;
  /** null while a try runs. */
  readonly next_at: number | null;
  /** When tries were made; all but the last are computed from the retry policy, since Temporal keeps only the last. */
  readonly tries: readonly number[];
}

export interface EarlierAttempt {
  readonly attempt: number;
  readonly state: string | null;
  readonly ended: number;
}

/** A run that ended before the one that is shown. */
export interface EarlierRun {
  readonly run_id: string;
  /** The state in which it ended, as Temporal's list has it. */
  readonly state: string | null;
  readonly began: number;
  readonly ended: number;
  /** Its page of Temporal; null where that is not known. */
  readonly link: string | null;
}

/** What the run of an earlier registration attempt says of it. */
export interface EarlierRunView extends Pick<
  NodeView,
  'id' | 'state' | 'attempt' | 'contract_version' | 'steps' | 'spans' | 'orchestrator' | 'reducer'
> {
  readonly run_id: string;
  /** Why it ended so, in words; null where there is no reason, or no worker answered. */
  readonly reason: string | null;
  /** When it ended, milliseconds since 1970; null where no worker answered. */
  readonly ended: number | null;
  /** null when no worker answered: why. */
  readonly no_answer: string | null;
}

export interface DeadLetterView {
  /** Its partition and offset among the dead letters: "2-1047". */
  readonly id: string;
  readonly at: number;
  readonly node_id: string | null;
  readonly reason: string;
  /** Topic, partition and offset where it was read. */
  readonly from: string;
  /** The bytes as text, cut. */
  readonly text: string;
  /** Its original has been sent again. */
  readonly replayed: boolean;
  /** Why its original cannot be sent again; null where it can. */
  readonly stays: string | null;
}

/** A process that sends heartbeats under the id of the node, and is not the registered one. */
interface OtherProcess {
  readonly instance_id: string;
  /** The process that is registered, where it says who it is. */
  readonly registered: string | null;
  readonly since: number;
  readonly last_seen: number;
  /** It was seen within the last lease duration. */
  readonly lasts: boolean;
}

/** The node is rejected, whatever it sends, until somebody lifts that. */
export interface NodeBan {
  readonly who: string;
  /** null: nobody has said. */
  readonly why: string | null;
  readonly since: number;
}

/** The key that speaks for the node. */
export interface NodeKeyView {
  readonly thumbprint: string;
  readonly bound_at: number;
  /** How it came to be this one. */
  readonly bound_by: string;
  /** The newest message of the last day in the node's name that this key has not signed: what was wrong with it. */
  readonly conflict: { readonly words: string; readonly at: number } | null;
}

export interface NodeFacts {
  readonly correlation_id: string;
  readonly epoch: number | null;
  /** The process that its last lease is of; null where it does not say who it is, or there was none. */
  readonly instance_id: string | null;
  readonly capabilities: readonly string[];
  readonly endpoints: Readonly<Record<string, string>>;
  readonly contract_version: string;
  readonly introspected_at: number;
  readonly active_at: number | null;
}

export interface Run {
  readonly run_id: string;
  readonly open: boolean;
  /** How the run ended, in Temporal's word; null while it is open. */
  readonly ended_as: string | null;
  readonly events: number;
}

/** Everything that is known of one node. */
export interface NodeView {
  readonly now: number;
  readonly id: string;
  readonly node: FleetNode | null;
  readonly facts: NodeFacts | null;
  readonly run: Run | null;
  readonly state: string | null;
  readonly attempt: number | null;
  /** null when no worker answered: why. */
  readonly no_answer: string | null;
  /** Confirmed backends, by the contract's names. */
  readonly confirmed: Readonly<Record<string, boolean>>;
  readonly round: number | null;
  readonly rounds: number | null;
  readonly ack_deadline: number | null;
  readonly contract_version: string | null;
  readonly pending: readonly PendingTry[];
  readonly steps: readonly StepView[];
  readonly spans: readonly Span[];
  readonly orchestrator: PathTaken;
  readonly reducer: PathTaken;
  /** Those in the journal of the run that is shown. */
  readonly earlier: readonly EarlierAttempt[];
  /** Newest first; null where Temporal's list was not read. */
  readonly earlier_runs: readonly EarlierRun[] | null;
  readonly dead_letters: readonly DeadLetterView[];
  /** Newest first, of the last day. */
  readonly others: readonly OtherProcess[];
  /** null: it is not banned, or the registry could not be asked. */
  readonly ban: NodeBan | null;
  /** null: no key speaks for it, or the registry could not be asked. */
  readonly key: NodeKeyView | null;
  /** What people asked for, newest first. */
  readonly acts: readonly Act[];
  readonly links: {
    readonly temporal: string | null;
    /** All its runs. */
    readonly runs: string | null;
    readonly consul: string | null;
  };
  /** Sources that could not be asked, in words. */
  readonly unasked: readonly string[];
}
