create table node_keys (
  node_id            text        primary key,
  thumbprint         text        not null,
  public_key         text        not null,
  bound_at           timestamptz not null default now(),
  bound_by           text        not null,
  conflict           text,
  conflict_at        timestamptz
);

comment on table node_keys is
  'The key that speaks for each node that has signed a message, until an operator releases the id. It outlives the registry row.';
comment on column node_keys.thumbprint is
  'RFC 7638, base64url.';
comment on column node_keys.public_key is
  'Ed25519, as x of the JWK of RFC 8037.';
comment on column node_keys.bound_by is
  'How it came to be this one: it was the first, the key before it has handed over, or the directory of keys names it.';
comment on column node_keys.conflict is
  'What was wrong with the newest message in the name of this node that its key has not signed; null: there was none.';

create table signed_numbers (
  node_id            text        not null,
  thumbprint         text        not null,
  kind               text        not null,
  number             bigint      not null,
  topic              text        not null,
  partition          integer     not null,
  "offset"           bigint      not null,
  primary key (node_id, thumbprint, kind)
) with (fillfactor = 50);

comment on table signed_numbers is
  'The newest message of each kind that each key has signed for a node: one with no higher number is an old one. It outlives the binding, so that an old message binds no key again.';
comment on column signed_numbers."offset" is
  'With topic and partition: where the message was read. What stands there or before it has been handled already.';
