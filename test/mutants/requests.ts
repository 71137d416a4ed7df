/** What the test runner of Stryker asks of the worker thread that has the tests loaded, and the answers. */

/** The channel between both threads of one process. */
export const CHANNEL = 'mutants';

export type Request =
  /** Finds which places are passed while our modules load: loads and runs everything once, with the code as it is. */
  | { readonly kind: 'prepare' }
  /** Runs every test with the code as it is. */
  | { readonly kind: 'unchanged' }
  /** Runs tests with one change, until the first fails. */
  | {
      readonly kind: 'changed';
      readonly mutant: string;
      /** Ids of tests; all tests by default. */
      readonly tests?: readonly string[] | undefined;
      /** How often the changed place may be passed. More often is an endless loop. */
      readonly hitLimit?: number | undefined;
    }
  | { readonly kind: 'stop' };

export interface Tested {
  /** `<file>#<full name>`; tests of one name in one file are one. */
  readonly id: string;
  readonly file: string;
  readonly name: string;
  readonly millis: number;
  /** Why it failed; null where it passed. */
  readonly failure: string | null;
}

export interface Answer {
  readonly tests: readonly Tested[];
  /** Errors that no test has caught. */
  readonly uncaught: readonly string[];
  /** How often the changed place was passed. */
  readonly hits: number;
  /** The places of which changes each test passes, and how often. */
  readonly coverage: Readonly<Record<string, Record<string, number>>>;
}
