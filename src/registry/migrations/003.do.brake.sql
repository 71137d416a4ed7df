alter table stream_watermarks add column moved_seconds double precision not null default 0;

comment on column stream_watermarks.moved_seconds is
  'How far the watermark has moved in all, without its jumps over standstills: the stream''s own clock.';

create table liveness_brake (
  topic              text        primary key,
  held_since         timestamptz,
  held_moved_seconds double precision,
  suspects           bigint      not null default 0,
  expired            bigint      not null default 0,
  active             bigint      not null default 0,
  released_before    timestamptz,
  changed_at         timestamptz not null default now(),
  changed_by         text        not null
);

comment on table liveness_brake is
  'The brake on expiry, one row per heartbeat topic: while it holds, nobody new expires. Written only when it changes.';
comment on column liveness_brake.held_since is
  'Since when expiry is held; null while it is not.';
comment on column liveness_brake.held_moved_seconds is
  'The stream''s own clock when it was held: an outage during the hold does not run it out.';
comment on column liveness_brake.suspects is
  'Active nodes that looked dead when this row was last written; likewise expired (in the last window) and active.';
comment on column liveness_brake.released_before is
  'Leases with an earlier deadline were released: they expire without being held, and are not counted any more.';
comment on column liveness_brake.changed_by is
  'Who held, opened or released it last: itself, max_hold, or an operator.';

create table lease_expiries (
  node_id            text        not null,
  deadline           timestamptz not null,
  watermark          timestamptz not null
);

comment on table lease_expiries is
  'Leases claimed as expired in the last window, for the brake''s share; older rows are deleted.';
comment on column lease_expiries.watermark is
  'How far the heartbeats were stored when the lease was claimed.';

create index lease_expiries_by_watermark on lease_expiries (watermark);
