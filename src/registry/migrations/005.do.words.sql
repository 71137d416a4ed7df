-- Comments only, in the words of the documentation. Tables and columns keep their names, so that a registrar of the
-- version before can go on while this one is rolled out.

comment on table node_registrations is
  'The registry: one row per node, its latest registration attempt. Written with a fence: a lower attempt never overwrites a higher one.';
comment on column node_registrations.state is
  'State of the orchestrator''s state machine, as the contract names it.';
comment on column node_registrations.active_at is
  'When this attempt opened its lease first; null if it never did.';
comment on column node_registrations.reducer_status is
  'State of the reducer''s state machine, as the contract names it.';
comment on column node_registrations.state_since is
  'When the row entered its state. A refresh of the node''s data or a repeated write does not change it.';
comment on column node_registrations.ended_at is
  'When this attempt ended; null while it lasts. No write of the same attempt changes the row afterwards.';
comment on column node_registrations.liveness_deadline is
  'The first liveness deadline of this attempt. Heartbeats renew node_leases.deadline, not this.';

comment on table node_leases is
  'Liveness of the active nodes: one row per lease. Opened and closed with the registry row (node_registrations), renewed by heartbeats.';
comment on column node_leases.attempt is
  'The registration attempt that opened the lease. Only the lease of the same attempt expires.';
comment on column node_leases.deadline is
  'The node counts as alive until then, and for the grace after it. Never goes backwards within an attempt.';
comment on column node_leases.expired_at is
  'When the lease expired. Heartbeats do not renew it any more.';
comment on column node_leases.window_seconds is
  'The lease duration: how long one heartbeat keeps the node alive.';

comment on table stream_watermarks is
  'How far the bridge has stored each partition of the topics in which silence means something (heartbeats, acks).';
comment on column stream_watermarks.watermark is
  'Every record up to this time is stored. Leases expire by the lowest watermark of the topics.';
comment on column stream_watermarks.resumed_at is
  'The watermark at which a stalled stream went on. Nobody expires before a lease duration and the grace have passed since.';
comment on column stream_watermarks.moved_seconds is
  'How far the watermark has advanced in all, without the times in which the stream was stalled: the stream''s own clock.';

comment on table liveness_brake is
  'Self-preservation (contract key: brake), one row per fleet, named by its first heartbeat topic. While it holds, nobody expires. Written only when it changes.';
comment on column liveness_brake.held_moved_seconds is
  'The stream''s own clock when self-preservation began: an outage during the hold does not use the hold up.';
comment on column liveness_brake.suspects is
  'Active nodes that looked dead at the last change; likewise expired (within the last lease duration) and active.';
comment on column liveness_brake.released_before is
  'Leases with an earlier deadline were released: they expire without being held, and are not counted any more.';
comment on column liveness_brake.judged_from is
  'The watermark from which leases expire again after self-preservation has ended by itself: nodes that come back need a lease duration.';
comment on column liveness_brake.changed_by is
  'Who changed it last: itself, max_hold, or an operator.';

comment on table lease_expiries is
  'Leases that expired within the last lease duration, for the share of self-preservation; older rows are deleted.';
comment on column lease_expiries.watermark is
  'How far the heartbeats were stored when the lease expired.';
