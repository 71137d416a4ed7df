/**
 * All that the checker knows: what the four servers hold at the end of a run, and what was done to the nodes. Nothing
 * of it comes through the registrar's own code. Times are milliseconds since 1970; all servers run on one machine.
 */
export interface Snapshot {
  readonly settings: Settings;
  readonly taken_at: number;
  /** Every record of every topic of this installation. */
  readonly records: readonly LogRecord[];
  /** Final names of the topics that exist, without environment and namespace: "onex.evt.node-heartbeat.v1". */
  readonly topics: readonly string[];
  readonly runs: readonly Run[];
  readonly catalog: readonly CatalogNode[];
  readonly rows: readonly RegistryRow[];
  readonly leases: readonly Lease[];
  /** Every write to the registry's table, in order, as a trigger has noted it. */
  readonly writes: readonly RowWrite[];
  /** What was done to the nodes. */
  readonly load: readonly Deed[];
  /** Where nodes of the SDK stand, as far as they know: "active", "draining", … */
  readonly standing: readonly { readonly node_id: string; readonly state: string }[];
  /** What was done to the registrar and its servers. */
  readonly disturbances: readonly Disturbance[];
  readonly memory: readonly MemorySample[];
}

/** Durations of the contract that was in force, in seconds, and what the checker allows beyond them. */
export interface Settings {
  readonly ack_seconds: number;
  readonly ack_rounds: number;
  readonly first_deadline_seconds: number;
  readonly window_seconds: number;
  readonly grace_seconds: number;
  /** How long after its lease a dead node may still be unfound, with nothing disturbed. */
  readonly found_within_seconds: number;
}

/** A record in Kafka's log. */
export interface LogRecord {
  /** Without environment and namespace. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's time. */
  readonly at: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A run of a workflow, as its history has it. */
export interface Run {
  readonly workflow_id: string;
  readonly run_id: string;
  /** The search attributes NodeId and RegistrationState. */
  readonly node_id: string | null;
  readonly state: string | null;
  /** RUNNING, COMPLETED, CONTINUED_AS_NEW, TERMINATED, CANCELLED, FAILED, TIMED_OUT. */
  readonly status: string;
  readonly started_at: number;
  readonly closed_at: number | null;
  /** Effects that were confirmed. */
  readonly confirmations: readonly Confirmation[];
  /** Causes of failed workflow tasks, as Temporal names them, with the message. */
  readonly failed_tasks: readonly { readonly cause: string; readonly message: string }[];
}

export interface Confirmation {
  /** consul.register or postgres.upsert_registration. */
  readonly effect: string;
  readonly attempt: number;
  /** When the server had it. */
  readonly at: number;
}

/** A node of Consul's catalog with the service and the check that the registrar gave it. */
export interface CatalogNode {
  readonly name: string;
  readonly node_id: string | null;
  readonly attempt: number;
  readonly status: string | null;
  readonly node_version: string | null;
  readonly correlation_id: string | null;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
}

export interface RegistryRow {
  readonly node_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly reason: string | null;
  readonly ended_at: number | null;
  readonly correlation_id: string;
  readonly node_version: string;
  readonly capabilities: readonly string[];
  readonly endpoints: Readonly<Record<string, string>>;
}

export interface Lease {
  readonly node_id: string;
  readonly attempt: number;
  readonly deadline: number;
  readonly expired_at: number | null;
}

export interface RowWrite {
  readonly sequence: number;
  readonly at: number;
  readonly node_id: string;
  readonly attempt: number;
  readonly state: string;
  readonly ended_at: number | null;
}

/**
 * lives: from now on it answers and beats. dies: killed, without a goodbye. freezes: it does nothing until it lives
 * again. leaves: with a goodbye.
 */
export interface Deed {
  readonly at: number;
  readonly node_id: string;
  readonly did: 'lives' | 'dies' | 'freezes' | 'leaves';
}

export interface Disturbance {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

export interface MemorySample {
  readonly at: number;
  /** "worker", "bridge", "kafka", … */
  readonly process: string;
  readonly pid: number;
  readonly megabytes: number;
}
