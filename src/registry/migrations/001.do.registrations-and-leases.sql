create table node_registrations (
  node_id            text        primary key,
  node_type          text        not null,
  node_version       text        not null,
  state              text        not null,
  reducer_status     text        not null,
  attempt            integer     not null,
  reason             text,
  state_since        timestamptz not null default now(),
  active_at          timestamptz,
  ended_at           timestamptz,
  ack_deadline       timestamptz,
  liveness_deadline  timestamptz,
  capabilities       text[]      not null default '{}',
  endpoints          jsonb       not null default '{}',
  correlation_id     text        not null,
  epoch              bigint,
  introspected_at    timestamptz not null,
  contract_version   text        not null,
  created_at         timestamptz not null default now(),
  updated_at         timestamptz not null default now()
);

comment on table node_registrations is
  'The registrar''s record: one row per node, its latest registration attempt. Written with a fence: a lower attempt never overwrites a higher one.';
comment on column node_registrations.state is
  'State of the orchestrator''s machine: PENDING_REGISTRATION, ACCEPTED, AWAITING_ACK, ACTIVE, REJECTED, … as the contract names them.';
comment on column node_registrations.reducer_status is
  'State of the reducer''s machine: idle, pending, partial (one backend confirmed), complete, failed.';
comment on column node_registrations.attempt is
  'Number of the registration attempt. Only grows, across restarts of the node and of the registrar.';
comment on column node_registrations.reason is
  'Why the node is in its state, where there is something to say: a rejection, an expiry, a shutdown.';
comment on column node_registrations.state_since is
  'When this row entered its state; a refresh of endpoints or a repeated write does not move it.';
comment on column node_registrations.active_at is
  'When this attempt became ACTIVE; null if it never did.';
comment on column node_registrations.ended_at is
  'When this attempt ended; null while it lasts. Nothing of the same attempt changes the row afterwards.';
comment on column node_registrations.ack_deadline is
  'Until when the last "accepted" of this attempt could be acknowledged.';
comment on column node_registrations.liveness_deadline is
  'The first liveness deadline of this attempt. Heartbeats move node_leases.deadline, not this.';
comment on column node_registrations.correlation_id is
  'correlation_id of the introspection that started this attempt: the only one that its ack may carry.';
comment on column node_registrations.epoch is
  'The node''s own incarnation counter, where it keeps one.';
comment on column node_registrations.introspected_at is
  'Kafka record time of the newest introspection applied in this attempt: an older one is stale.';
comment on column node_registrations.contract_version is
  'Version and digest of the contracts under which the row was last written.';

create index node_registrations_by_state on node_registrations (state);

create table node_leases (
  node_id            text        primary key,
  attempt            integer     not null,
  deadline           timestamptz not null,
  last_heartbeat_at  timestamptz,
  expired_at         timestamptz,
  window_seconds     integer     not null check (window_seconds > 0),
  opened_at          timestamptz not null default now()
);

comment on table node_leases is
  'Liveness of the active nodes: one row per open lease. Opened and closed with the record (node_registrations), moved by heartbeats.';
comment on column node_leases.attempt is
  'The attempt that opened the lease; only the same attempt may claim it as expired.';
comment on column node_leases.deadline is
  'Until when the node counts as alive. Never moves backwards within an attempt.';
comment on column node_leases.last_heartbeat_at is
  'Kafka record time of the newest heartbeat; null before the first.';
comment on column node_leases.expired_at is
  'When the lease was claimed as expired. Heartbeats do not revive it.';
comment on column node_leases.window_seconds is
  'How long one heartbeat keeps the node alive.';

-- Suspects are found by deadline, among the leases that nobody has claimed yet.
create index node_leases_by_deadline on node_leases (deadline) where expired_at is null;

create table stream_watermarks (
  topic              text        not null,
  partition          integer     not null,
  next_offset        bigint      not null,
  watermark          timestamptz not null,
  resumed_at         timestamptz,
  primary key (topic, partition)
);

comment on table stream_watermarks is
  'How far the bridge has stored each partition of the topics whose silence means something (heartbeats, acks).';
comment on column stream_watermarks.next_offset is
  'Everything before this offset is stored.';
comment on column stream_watermarks.watermark is
  'Every record up to this time is stored. A node is judged by the lowest watermark of the topic.';
comment on column stream_watermarks.resumed_at is
  'The watermark at which the stream moved again after its last standstill; nobody expires until window and grace have passed since.';
