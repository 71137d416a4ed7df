-- The page asks each second in whose name something came of late that their key has not signed: a few of many.
create index node_keys_conflict_at on node_keys (conflict_at) where conflict_at is not null;
