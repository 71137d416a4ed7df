create table reconciliations (
  fleet              text        primary key,
  at                 timestamptz not null,
  seconds            double precision not null,
  rows_compared      integer     not null,
  entries_compared   integer     not null,
  differences        jsonb       not null,
  outcomes           jsonb       not null,
  failed_at          timestamptz,
  failure            text
);

comment on table reconciliations is
  'The last comparison of Consul with the registry, one row per fleet, named by its first heartbeat topic.';
comment on column reconciliations.differences is
  'How many nodes differed, by kind.';
comment on column reconciliations.outcomes is
  'What became of them: how many were signalled, removed, held or failed.';
comment on column reconciliations.failure is
  'Why the last comparison could not be done; null where it was.';
