create table node_bans (
  node_id            text        primary key,
  who                text        not null,
  why                text,
  at                 timestamptz not null default now()
);

comment on table node_bans is
  'Nodes that are rejected whatever they send, until somebody lifts that. A node that is registered stays so until it is evicted.';
comment on column node_bans.why is
  'null: nobody has said why.';
