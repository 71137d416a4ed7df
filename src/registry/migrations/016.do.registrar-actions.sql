create table registrar_actions (
  id       bigint      generated always as identity primary key,
  at       timestamptz not null default now(),
  part     text        not null,
  node_id  text,
  what     text        not null
);

comment on table registrar_actions is
  'What the registrar has done without being asked, of the last thirty days: what operator_actions is for people.';
comment on column registrar_actions.part is
  'Which part of it: reconciler or self-preservation.';
comment on column registrar_actions.node_id is
  'null: it was about the fleet.';

create function keep_self_preservation() returns trigger language plpgsql as $$
begin
  insert into registrar_actions (part, what) values ('self-preservation', case
    when new.held_since is not null then format('It holds: %s of %s nodes are gone at once, and nobody expires.',
      new.suspects + new.expired, new.active + new.expired)
    when new.changed_by = 'itself' then 'It holds no more: enough of the nodes are back.'
    else 'It holds no more: it has held for its longest time. Nodes whose heartbeats do not come again expire.' end);
  return null;
end
$$;

create trigger self_preservation_began after insert on liveness_brake
  for each row when (new.held_since is not null) execute function keep_self_preservation();

-- What a person has released stands in operator_actions.
create trigger self_preservation_changed after update on liveness_brake
  for each row when ((old.held_since is null) <> (new.held_since is null) and new.changed_by in ('itself', 'max_hold'))
  execute function keep_self_preservation();
