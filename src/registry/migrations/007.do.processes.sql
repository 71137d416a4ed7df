alter table node_leases add column instance_id text;

comment on column node_leases.instance_id is
  'The process of the node that the lease is of, where it says who it is. Heartbeats of another one do not renew it.';

create table instance_conflicts (
  node_id            text        not null,
  instance_id        text        not null,
  since              timestamptz not null,
  last_seen          timestamptz not null,
  primary key (node_id, instance_id)
);

comment on table instance_conflicts is
  'Processes that send heartbeats under the id of a node while another process is registered under it.';
comment on column instance_conflicts.since is
  'The first of its heartbeats without a long pause.';
comment on column instance_conflicts.last_seen is
  'The newest of its heartbeats.';

create index instance_conflicts_by_last_seen on instance_conflicts (last_seen);
