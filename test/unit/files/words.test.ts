import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** A word that CONTRIBUTING.md retires, in names and in sentences. */
interface Retired {
  readonly word: RegExp;
  /** Files in which it is the word of another field. */
  readonly elsewhere?: RegExp;
}

const RETIRED: readonly Retired[] = [
  { word: /\b(tell|hear|judge|bury|ride)\(/ },
  { word: /\b(tells?|told|telling|hears?|heard|hearing|judg(e[sd]?|ing))\b/i },
  { word: /\b\w*(quiet|standstill)\w*\b/i },
  // A signature claims who has signed; an environment claims its servers. A lease expires.
  {
    word: /\bclaim(s|ed|ing)?\b/i,
    elsewhere: /^(src\/cli|test\/unit\/cli|(src|test\/unit)\/bridge\/signing)\/|\/environments\.test/,
  },
  { word: /\bmov(es?|ed|ing)\b.{0,20}\bleases?\b|\bleases?\b.{0,12}\bmov(es?|ed|ing)\b/i },
  // The browser's `window.` is none, nor are its key and its variable of the contract: `window_seconds`.
  { word: /\b(windows?|WINDOWS?)\b(?!\.\w)/, elsewhere: /^(src|test\/unit)\/kafka\/decoding\// },
  // The contract's key, alone, is the file format.
  { word: /\b(the|a|an|its|this|that|no)\W{1,3}brakes?\b/i },
  { word: /\b(upsert|registry|registry's|registration|registration's|postgres\w*|node_registrations) records?\b/i },
];

const THIS = 'test/unit/files/words.test.ts';
const ROOT = join(import.meta.dirname, '../../..');

/** What people read and write. Migrations and the changelog are history; CONTRIBUTING.md has the words themselves. */
const FILES = [
  'README.md',
  ...['src', 'workflows', 'activities', 'contracts', 'docs', 'test', 'tools'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(tsx?|md|ya?ml)$/.test(file))
      .map((file) => `${folder}/${file}`),
  ),
].filter((file) => file !== THIS);

/** The style sheet's classes (`button quiet`) are left alone. */
function isRetired(line: string, file: string): boolean {
  const text = line.replaceAll(/className="[^"]*"/g, '');
  return RETIRED.some(({ word, elsewhere }) => word.test(text) && elsewhere?.test(file) !== true);
}

it.each(['README.md', 'src', 'workflows', 'activities', 'contracts', 'docs', 'test', 'tools'])(
  '%s uses the words of CONTRIBUTING.md',
  (top) => {
    const files = FILES.filter((file) => file.split('/')[0] === top);
    expect(files.length).toBeGreaterThan(0);
    const found = files.flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (isRetired(line, file) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  },
);

it('reads pages, contracts and what the fleet page shows', () => {
  expect(FILES).toEqual(
    expect.arrayContaining([
      'docs/production.md',
      'docs/decisions/sweep.md',
      'docs/monitoring/alerts.yaml',
      'contracts/node_registration_orchestrator/contract.yaml',
      'src/server/page/src/node/now-box.tsx',
      'src/node/README.md',
    ]),
  );
});

it.each([
  'B->>P: lease moved, Temporal not asked',
  'it moves the lease with each heartbeat',
  'W->>P: upsert record',
  'from node_registrations record where node_id = $1',
  'what nodes of our SDK are told',
  'is what tells an old introspection from a new one',
  'how they hear of changes',
  "  silent: 'is heard again',",
  'within one window, nobody expires',
  'at most ten windows of a moving stream',
  'const WINDOW = 4;',
  'the **brake** holds',
  'The brake is as shipped',
  'whose lease is claimed as expired',
  'const claim = (node_id: string) => expireLease(node_id);',
])('would find: %s', (line) => {
  expect(isRetired(line, 'docs/production.md')).toBe(true);
});

it.each([
  ['contracts/node_registration_orchestrator/contract.yaml', '  window_seconds: 90'],
  ['contracts/node_registration_orchestrator/contract.yaml', '  brake:'],
  ['src/server/page/src/app.tsx', 'if (!cameBack()) window.scrollTo(0, 0);'],
  ['src/server/page/src/ask-dialog.tsx', '<button type="button" className="button quiet">'],
  ['src/bridge/signing/signing.ts', 'const claim = claimIn(record, message);'],
  ['src/bridge/bridge.ts', '/** Moves the watermarks of idle partitions. */'],
  ['src/kafka/consumer.ts', 'the record of a partition'],
])('leaves alone, in %s: %s', (file, line) => {
  expect(isRetired(line, file)).toBe(false);
});
