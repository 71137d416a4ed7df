import { fakeDatabase } from '../fake-database.js';

export interface Key {
  thumbprint: string;
  readonly x: string;
  readonly by: string;
  conflict: string | null;
}

export interface Kept {
  readonly number: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The registry's tables of keys and numbers, in memory; its own statements run in the integration tests. */
export function keyRegistry() {
  const keys = new Map<string, Key>();
  const numbers = new Map<string, Kept>();
  /** Node ids of the heartbeats that renewed leases, a list a batch. */
  const renewed: string[][] = [];
  /** Node ids about which was asked, a list a question. */
  const asked: unknown[][] = [];
  /** Node ids whose conflicts were noted, a list a time. */
  const conflicts: string[][] = [];
  const place = (...parts: readonly unknown[]): string => parts.join(' ');
  const { pool } = fakeDatabase({
    begin: [/^begin$/, () => ({})],
    commit: [/^commit$/, () => ({})],
    watermarks: [/watermarks/, () => ({})],
    read: [
      'from (select distinct node_id, thumbprint',
      ([node_ids, thumbprints, kind]) => {
        asked.push([...(node_ids as unknown[])]);
        const rows = (node_ids as string[]).map((node_id, index) => {
          const thumbprint = (thumbprints as string[])[index];
          const key = keys.get(node_id);
          const newest = numbers.get(place(node_id, thumbprint, kind));
          return { node_id, thumbprint, bound: key?.thumbprint ?? null, x: key?.x ?? null, number: null, ...newest };
        });
        return { rows };
      },
    ],
    bind: [
      'insert into node_keys',
      ([node_id, thumbprint, x, by]) => {
        if (keys.has(String(node_id))) return { rowCount: 0 };
        keys.set(String(node_id), { thumbprint: String(thumbprint), x: String(x), by: String(by), conflict: null });
        return { rowCount: 1 };
      },
    ],
    handOver: [
      'update node_keys set thumbprint',
      ([node_id, thumbprint, x, by, before]) => {
        if (keys.get(String(node_id))?.thumbprint !== before) return { rowCount: 0 };
        keys.set(String(node_id), { thumbprint: String(thumbprint), x: String(x), by: String(by), conflict: null });
        return { rowCount: 1 };
      },
    ],
    conflict: [
      'update node_keys set conflict = noted.conflict',
      ([node_ids, words]) => {
        conflicts.push([...(node_ids as string[])]);
        (node_ids as string[]).forEach((node_id, index) => {
          const key = keys.get(node_id);
          if (key) key.conflict = (words as string[])[index] ?? null;
        });
        return {};
      },
    ],
    keep: [
      'insert into signed_numbers',
      ([kind, node_ids, thumbprints, news, topics, partitions, offsets]) => {
        (node_ids as string[]).forEach((node_id, index) => {
          const at = <T>(list: unknown): T => (list as T[])[index] as T;
          const own = place(node_id, at(thumbprints), kind);
          const number = at<number>(news);
          if ((numbers.get(own)?.number ?? 0) >= number) return;
          numbers.set(own, { number, topic: at(topics), partition: at(partitions), offset: at(offsets) });
        });
        return {};
      },
    ],
    renew: [
      'update node_leases',
      ([node_ids]) => {
        renewed.push([...(node_ids as string[])]);
        return {};
      },
    ],
  });
  return { pool, keys, numbers, renewed, asked, conflicts, release: (node_id: string) => keys.delete(node_id) };
}
