import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A change that one worker passes more often is an endless loop. Its workflow task fails then; nothing else would end
 * it where a history is replayed.
 */
const ENDLESS_HITS = 10_000;

/** A workflow sees no global of ours: the switch that Stryker's instrumented code reads stands in its bundle. */
export class Bundle {
  readonly #code: string;

  private constructor(private readonly path: string) {
    // Nobody reads its source map, and each worker would parse it.
    const noMap = Buffer.from('{"version":3,"file":"workflows.js","sources":[],"names":[],"mappings":""}').toString(
      'base64',
    );
    this.#code = readFileSync(path, 'utf8').replace(
      /(sourceMappingURL=data:application\/json\S*base64,)\S+\s*$/,
      `$1${noMap}`,
    );
  }

  /** The bundle that the tests read, made from Stryker's instrumented code (see test/run/workflow-bundle.ts). */
  static ofRun(): Bundle | undefined {
    const path = process.env['REGISTRAR_TEST_WORKFLOW_BUNDLE'];
    return path === undefined ? undefined : new Bundle(path);
  }

  /** From now on the bundle has this change, or none. */
  change(mutant: string | undefined): void {
    // The sandbox freezes its globals: hits are counted beside them, and what is passed is not counted.
    const stryker = `{
      activeMutant: ${JSON.stringify(mutant)},
      hitLimit: ${ENDLESS_HITS},
      get hitCount() { return hits; },
      set hitCount(count) { hits = count; },
      mutantCoverage: Object.freeze({ static: new Proxy({}, { set: () => true }) }),
    }`;
    writeFileSync(this.path, `let hits = 0; globalThis.__stryker__ = Object.freeze(${stryker}); ${this.#code}`);
  }
}
