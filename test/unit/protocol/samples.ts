import { readFileSync } from 'node:fs';

/** A real message of a Python node, in both forms. */
export interface Sample {
  /** Version of omnibase-infra that made it. */
  readonly version: '0.12.0' | '0.38.76';
  /** Kind of message: the last part of its topic. */
  readonly topic: string;
  readonly bare: Readonly<Record<string, unknown>>;
  readonly envelope: Readonly<Record<string, unknown>>;
}

const FILES = { '0.12.0': 'onex-python-samples.jsonl', '0.38.76': 'onex-python-samples-0.38.jsonl' } as const;

/** All samples of the fixtures, those of the older version first. */
export const samples: readonly Sample[] = (Object.keys(FILES) as Sample['version'][]).flatMap((version) =>
  readFileSync(new URL(`../../fixtures/${FILES[version]}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ version, ...(JSON.parse(line) as Omit<Sample, 'version'>) })),
);

/** The first sample of a kind and version. */
export function sampleOf(topic: string, version: Sample['version'] = '0.12.0'): Sample {
  const found = samples.find((one) => one.topic === topic && one.version === version);
  if (found === undefined) throw new Error(`the fixtures have no ${topic} of ${version}`);
  return found;
}
