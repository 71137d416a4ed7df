import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromJson, type History } from './history-json.js';

const FOLDER = join(import.meta.dirname, 'histories');

/** The paths of a node's life of which a history is recorded. */
export const RECORDED: readonly string[] = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ''));

export function historyOf(path: string): History {
  return fromJson(JSON.parse(readFileSync(join(FOLDER, `${path}.json`), 'utf8')));
}
