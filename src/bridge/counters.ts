/** What a bridge has done since it was started. */
export interface BridgeCounters {
  introspections: number;
  /** Introspections that their workflows had just been told: left out. */
  introspections_repeated: number;
  acks: number;
  /** Acks for nodes whose registration had no run to tell. */
  acks_without_run: number;
  heartbeats: number;
  /** Newest heartbeats of a batch whose node has no open lease. */
  heartbeats_without_lease: number;
  /** Heartbeats whose record's time lay in the future: their arrival was taken instead. */
  heartbeats_from_the_future: number;
  /** Nodes without a lease that were asked to introduce themselves again. */
  introspections_requested: number;
  dead_letters: number;
  /** Looks for suspects, while this bridge is the one that sweeps. */
  sweeps: number;
  /** Nodes whose run was told that their lease has run out. */
  suspects_woken: number;
  /** Such nodes without a run: one was started, to end what the record says of them. */
  runs_adopted: number;
  /** Records of nodes that ended long ago, deleted. */
  records_purged: number;
  /** Leases that belonged to no lasting attempt, deleted. */
  leases_purged: number;
}

export function newCounters(): BridgeCounters {
  return {
    introspections: 0,
    introspections_repeated: 0,
    acks: 0,
    acks_without_run: 0,
    heartbeats: 0,
    heartbeats_without_lease: 0,
    heartbeats_from_the_future: 0,
    introspections_requested: 0,
    dead_letters: 0,
    sweeps: 0,
    suspects_woken: 0,
    runs_adopted: 0,
    records_purged: 0,
    leases_purged: 0,
  };
}
