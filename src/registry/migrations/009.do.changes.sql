create table node_changes (
  node_id            text        primary key,
  changed_in         xid8        not null,
  removed_at         timestamptz
);

comment on table node_changes is
  'When each registry row changed last, in an order that readers can follow: one row per node, written by triggers of node_registrations.';
comment on column node_changes.changed_in is
  'The transaction that wrote it. What every transaction before pg_snapshot_xmin(pg_current_snapshot()) has done can be seen: a reader that stops there, and goes on from there, misses nothing.';
comment on column node_changes.removed_at is
  'When the registry row was deleted; null while there is one.';

create index node_changes_in_order on node_changes (changed_in, node_id);

create function keep_node_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into node_changes values (old.node_id, pg_current_xact_id(), now())
    on conflict (node_id) do update set changed_in = excluded.changed_in, removed_at = excluded.removed_at;
  else
    insert into node_changes values (new.node_id, pg_current_xact_id(), null)
    on conflict (node_id) do update set changed_in = excluded.changed_in, removed_at = null;
  end if;
  return null;
end
$$;

create trigger node_came_or_went after insert or delete on node_registrations
  for each row execute function keep_node_change();

-- A fenced write updates its row with what stands there, which is no change.
create trigger node_changed after update on node_registrations
  for each row when (old.* is distinct from new.*) execute function keep_node_change();

-- Nodes from before this table come first for every reader.
insert into node_changes select node_id, '0', null from node_registrations;
