/** What a bridge has done since it was started. */
export interface BridgeCounters {
  introspections: number;
  acks: number;
  /** Acks for nodes whose registration had no run to tell. */
  acks_without_run: number;
  heartbeats: number;
  /** Newest heartbeats of a batch whose node has no open lease. */
  heartbeats_without_lease: number;
  /** Such nodes that were asked to introduce themselves again. */
  introspections_requested: number;
  dead_letters: number;
}

export function newCounters(): BridgeCounters {
  return {
    introspections: 0,
    acks: 0,
    acks_without_run: 0,
    heartbeats: 0,
    heartbeats_without_lease: 0,
    introspections_requested: 0,
    dead_letters: 0,
  };
}
