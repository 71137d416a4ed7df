import { InvalidArgumentError } from 'commander';
import { nodeId as schema } from '../../protocol/fields.js';

/** An argument that names a node, as the registrar's own edge takes it: a UUID in capitals is the same node. */
export function nodeId(value: string): string {
  const { data } = schema.safeParse(value);
  if (data === undefined) throw new InvalidArgumentError('A node id is 1 to 128 letters, digits or any of . _ : -');
  return data;
}

/** An option that is a whole number from 1. */
export function count(most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < 1 || number > most)
      throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
    return number;
  };
}

/** A name with its URL, e.g. "health=http://10.0.0.7:8080/health". */
export type Endpoint = readonly [name: string, url: string];

/** Collects endpoints, however often the option is given. */
export function endpoint(value: string, before: readonly Endpoint[]): readonly Endpoint[] {
  const [, name, url] = /^([^=]+)=(.+)$/.exec(value) ?? [];
  if (name === undefined || url === undefined || !URL.canParse(url))
    throw new InvalidArgumentError('Give name=url, e.g. health=http://10.0.0.7:8080/health');
  return [...before, [name, url]];
}
