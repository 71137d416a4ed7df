create table operator_actions (
  id                 bigint      generated always as identity primary key,
  at                 timestamptz not null default now(),
  who                text        not null,
  why                text,
  action             text        not null,
  node_id            text,
  outcome            text,
  refused            boolean
);

comment on table operator_actions is
  'What people have asked the registrar to do, and what became of it.';
comment on column operator_actions.why is
  'null: nobody has said why.';
comment on column operator_actions.node_id is
  'The node that it was about; null: the fleet, or a node that is not known.';
comment on column operator_actions.outcome is
  'What became of it, in words; null while it is done, or when the process that did it has ended meanwhile.';

create index operator_actions_by_node on operator_actions (node_id, id);
