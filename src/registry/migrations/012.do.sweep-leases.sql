create table sweep_leases (
  name               text        primary key,
  holder             text        not null,
  until              timestamptz not null
);

comment on table sweep_leases is
  'Which bridge sweeps, one row per fleet, named by its first heartbeat topic. A row and no lock of a session: behind a pooler that shares sessions a lock belongs to nobody.';
comment on column sweep_leases.until is
  'By this database''s clock. Afterwards any bridge may sweep.';
