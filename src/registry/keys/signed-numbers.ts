import type { NodeKey } from '../../protocol/node-key.js';
import type { Sql } from '../pool.js';

/** A key that is said to have signed a message for a node. */
export interface Signatory {
  readonly node_id: string;
  readonly thumbprint: string;
}

/** The newest message of one kind that a key has signed for a node. */
export interface SignedNumber {
  readonly number: number;
  /** Where it was read. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What the registry knows of a signatory. */
export interface KnownSignatory extends Signatory {
  /** The key that speaks for the node: the signatory's, or another one; null: none does. */
  readonly bound: NodeKey | null;
  /** null: it has signed no message of this kind. */
  readonly newest: SignedNumber | null;
}

interface Row extends Signatory {
  readonly bound: string | null;
  readonly x: string | null;
  readonly number: number | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * What is known of those who are said to have signed messages.
 *
 * @param kind the kind of the messages
 */
export async function readSignatories(
  sql: Sql,
  kind: string,
  signatories: readonly Signatory[],
): Promise<readonly KnownSignatory[]> {
  if (signatories.length === 0) return [];
  const { rows } = await sql.query<Row>(
    `select said.node_id, said.thumbprint, key.thumbprint as bound, key.public_key as x,
       newest.number, newest.topic, newest.partition, newest."offset"
     from (select distinct node_id, thumbprint from unnest($1::text[], $2::text[]) as each(node_id, thumbprint)) said
     left join node_keys key on key.node_id = said.node_id
     left join signed_numbers newest
       on newest.node_id = said.node_id and newest.thumbprint = said.thumbprint and newest.kind = $3`,
    [signatories.map(({ node_id }) => node_id), signatories.map(({ thumbprint }) => thumbprint), kind],
  );
  return rows.map(({ node_id, thumbprint, bound, x, number, topic, partition, offset }) => ({
    node_id,
    thumbprint,
    bound: bound === null || x === null ? null : { thumbprint: bound, x },
    newest: number === null ? null : { number, topic, partition, offset },
  }));
}

/** A message that counts, to be kept as the newest of its key. */
export interface NumberToKeep extends Signatory, SignedNumber {}

/**
 * Keeps the newest messages of keys, one of each signatory; an older one than what is kept changes nothing. The rows
 * are written in the order of their ids, so that two bridges wait for each other and never end in a deadlock.
 */
export async function keepNumbers(sql: Sql, kind: string, numbers: readonly NumberToKeep[]): Promise<void> {
  if (numbers.length === 0) return;
  await sql.query(
    `insert into signed_numbers as kept (node_id, thumbprint, kind, number, topic, partition, "offset")
     select node_id, thumbprint, $1, number, topic, partition, "offset"
     from unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::integer[], $7::bigint[])
       as each(node_id, thumbprint, number, topic, partition, "offset")
     order by node_id, thumbprint
     on conflict (node_id, thumbprint, kind) do update set
       number = excluded.number, topic = excluded.topic, partition = excluded.partition, "offset" = excluded."offset"
     where kept.number < excluded.number`,
    [
      kind,
      numbers.map(({ node_id }) => node_id),
      numbers.map(({ thumbprint }) => thumbprint),
      numbers.map(({ number }) => number),
      numbers.map(({ topic }) => topic),
      numbers.map(({ partition }) => partition),
      numbers.map(({ offset }) => offset),
    ],
  );
}
