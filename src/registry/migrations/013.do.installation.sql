-- To which installation this database belongs: at most one row.
create table installation (
  environment text not null
);

create unique index installation_is_one on installation ((true));

comment on table installation is
  'The {env} and {namespace} of the registrar whose registry this is. One of another environment does not start on it.';
