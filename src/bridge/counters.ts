/** What a bridge counts from its start, each with what it means: the metrics' help. */
export const COUNTERS = {
  introspections: 'introspections signalled to their workflows',
  introspections_repeated: 'introspections that their workflows had just been signalled: left out',
  introspections_of_banned_nodes: 'introspections of banned nodes that had just been rejected: left out',
  acks: 'acks signalled to their workflows',
  acks_without_run: 'acks for nodes whose registration had no run',
  drain_requests: 'nodes that asked to be drained or found again, signalled to their workflows',
  drain_requests_without_run: 'such nodes whose registration had no run',
  heartbeats: 'heartbeats stored',
  heartbeats_without_lease: 'newest heartbeats of a batch whose node has no open lease',
  heartbeat_fields_dropped: 'fields of heartbeats that meant nothing: left out, the heartbeat counts',
  heartbeats_of_another_process:
    'newest heartbeats of a batch from a process that is not the registered one of its node',
  introspections_requested: 'nodes without a lease that were asked to introduce themselves again',
  sweeps: 'searches for expired leases, while this bridge was the one that sweeps',
  suspects_signalled: 'nodes with an expired lease whose run was signalled to verify it',
  runs_adopted: 'such nodes without a run, for which one was started',
  unfinished_signalled: 'nodes whose attempt neither ended nor has a lease, signalled to be registered again',
  reconciliations: 'comparisons of Consul with the registry, while this bridge was the one that sweeps',
  rows_purged: 'registry rows of nodes that ended long ago, deleted',
  leases_purged: 'leases that belonged to no lasting attempt, deleted',
} as const;

export type BridgeCounters = Record<keyof typeof COUNTERS, number>;

/** All of them at zero. */
export function newCounters(): BridgeCounters {
  return Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as BridgeCounters;
}
