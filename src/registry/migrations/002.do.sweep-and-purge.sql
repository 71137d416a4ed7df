-- The sweep goes through the leases in the order of their deadlines, a page at a time: those that have run out, and
-- the claimed ones whose registration has not ended since.
drop index node_leases_by_deadline;
create index node_leases_by_deadline on node_leases (deadline, node_id);

-- Every heartbeat leaves a dead entry at the lower end of that index, which is where the sweep looks.
alter table node_leases set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- What ended long ago is found by its end.
create index node_registrations_by_end on node_registrations (ended_at) where ended_at is not null;
