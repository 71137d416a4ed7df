-- Each bridge and worker compares its clock with this database's once a minute: `doctor` runs on another machine.
create table process_clocks (
  process text primary key,
  role text not null,
  ahead_seconds double precision not null,
  within_seconds double precision not null,
  compared_at timestamptz not null default now()
);
