import { relative } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { startTests, type File, type Suite, type Task, type Test, type VitestRunner } from '@vitest/runner';
import { TestRunner, vi } from 'vitest';
import { Bundle } from './bundle.js';
import './fail-at-once.js';
import { CHANNEL, type Answer, type Request, type Tested } from './requests.js';

/** The switch that Stryker's instrumented code reads. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Passed> };
}
const stryker = ((globalThis as { __stryker__?: Switch }).__stryker__ ??= {});

/** Which places are passed, and how often. */
type Passed = Readonly<Record<string, number>>;

/** What vitest keeps of the modules that a worker has loaded. */
interface WorkerState {
  readonly evaluatedModules: {
    readonly idToModuleMap: ReadonlyMap<string, object>;
    invalidateModule(module: object): void;
  };
}

/** Each module keeps this very object from when it counts first: what is in it is replaced, never the object itself. */
const counts = (stryker.mutantCoverage ??= { static: {}, perTest: {} });

/** Ids of the tests that are to run; undefined for all. */
type Wanted = ReadonlySet<string> | undefined;

/** So many tests that have noticed a change run before the others. */
const LATELY = 5;

/** While a file of tests is loaded, what it passes counts for all of its tests. */
const LOADING = ' is loaded';

/**
 * A runner of vitest that stays: it runs the tests of a group again and again, each time with another change, in one
 * process. Starting a worker for each change costs a second of a core; this costs the tests alone. The files of tests
 * are loaded anew each time, our other modules only for a change in what runs while they load.
 */
export default class OneProcess extends TestRunner {
  readonly #channel = new BroadcastChannel(CHANNEL);
  #passedWhileLoading: Record<string, number> | undefined;
  #loadedWithChange = false;
  /** Ids of the tests that noticed the last changes. */
  #noticedLately: readonly string[] = [];
  readonly #bundle = Bundle.ofRun();

  /** start.test.ts is over only when nothing more is asked for. */
  override async onAfterRunSuite(suite: Suite): Promise<void> {
    const uncaught: string[] = [];
    const note = (error: unknown): void => void uncaught.push(messageOf(error));
    process.on('uncaughtException', note).on('unhandledRejection', note);
    await new Promise<void>((stopped) => {
      this.#channel.onmessage = (event) => {
        const request = (event as { data: Request }).data;
        if (request.kind === 'stop') return stopped();
        void this.#run(request, uncaught).then(
          (answer) => this.#channel.postMessage(answer),
          (error: unknown) => this.#channel.postMessage({ error: messageOf(error) }),
        );
      };
      this.#channel.postMessage('ready');
    });
    this.#channel.close();
    await super.onAfterRunSuite(suite);
  }

  async #run(request: Exclude<Request, { kind: 'stop' }>, uncaught: string[]): Promise<Answer> {
    uncaught.length = 0;
    // What runs in a bundle is loaded anew for each change, and what it passes is not seen.
    this.#passedWhileLoading ??= this.#bundle === undefined ? await this.#passesWhileLoading() : {};
    if (request.kind === 'prepare') return { tests: [], uncaught: [], hits: 0, coverage: {} };
    const mutant = request.kind === 'changed' ? request.mutant : undefined;
    stryker.activeMutant = mutant;
    this.#bundle?.change(mutant);
    stryker.hitCount = 0;
    stryker.hitLimit = request.kind === 'changed' ? request.hitLimit : undefined;
    counts.perTest = {};
    const isOfLoading = mutant !== undefined && mutant in this.#passedWhileLoading;
    if (isOfLoading || this.#loadedWithChange) this.#forget(() => true);
    if (this.#bundle !== undefined) this.#forget(isOfWorkflows);
    this.#loadedWithChange = isOfLoading;

    const tests = await this.#runInOrder(request.kind === 'changed' ? this.#likelyFirst(request.tests) : [undefined]);
    // What was not awaited may fail now, and belongs to this change.
    await new Promise((resolve) => setImmediate(resolve));
    const coverage = coverageOf(tests, counts.perTest, this.#passedWhileLoading);
    return { tests, uncaught: [...uncaught], hits: stryker.hitCount, coverage };
  }

  /** Neighbouring changes are mostly noticed by the same tests: those that have noticed one lately come first. */
  #likelyFirst(wanted: readonly string[] | undefined): readonly Wanted[] {
    if (wanted === undefined) return [undefined];
    const first = new Set(wanted.filter((id) => this.#noticedLately.includes(id)));
    return [first, new Set(wanted.filter((id) => !first.has(id)))];
  }

  /** Runs some tests after the others; with a change, until one fails. */
  async #runInOrder(portions: readonly Wanted[]): Promise<Tested[]> {
    const tests: Tested[] = [];
    for (const wanted of portions)
      for (const file of filesOf(wanted)) {
        tests.push(...(await this.#runFile(file, wanted)));
        const failed = tests.find(({ failure }) => failure !== null);
        if (failed === undefined || stryker.activeMutant === undefined) continue;
        this.#noticedLately = [failed.id, ...this.#noticedLately.filter((id) => id !== failed.id)].slice(0, LATELY);
        return tests;
      }
    return tests;
  }

  /** The places that are passed while our modules load, and how often. */
  async #passesWhileLoading(): Promise<Record<string, number>> {
    stryker.activeMutant = undefined;
    // Whatever the tests import is known when they have run once.
    for (const file of filesOf(undefined)) await this.#runFile(file, undefined);
    counts.static = {};
    for (const id of this.#forget(() => true)) if (!isOfTests(id)) await this.importFile(id, 'collect');
    return counts.static;
  }

  /** Modules of ours that are loaded anew when they are imported next. */
  #forget(which: (id: string) => boolean): string[] {
    const { evaluatedModules } = (this as unknown as { readonly workerState: WorkerState }).workerState;
    const forgotten = [...evaluatedModules.idToModuleMap].filter(
      ([id]) =>
        id.startsWith(process.cwd()) && !id.includes('/node_modules/') && !id.includes('/test/mutants/') && which(id),
    );
    for (const [, module] of forgotten) evaluatedModules.invalidateModule(module);
    return forgotten.map(([id]) => id);
  }

  async #runFile(file: string, wanted: Wanted): Promise<Tested[]> {
    this.#forget(isOfTests);
    const runner = this.#runnerOf(wanted);
    stryker.currentTestId = file + LOADING;
    const [loaded] = await startTests([file], runner);
    stryker.currentTestId = undefined;
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    return loaded === undefined ? [] : testedIn(loaded, file);
  }

  /** A runner of one file: nothing is reported to vitest's main thread, and after a failure nothing more is run. */
  #runnerOf(wanted: Wanted): VitestRunner {
    const stays = stryker.activeMutant === undefined;
    let failed = false;
    const runner: VitestRunner = Object.assign(Object.create(this) as VitestRunner, {
      onTaskUpdate: () => Promise.resolve(),
      onCollectStart: (file: File) => super.onCollectStart(file),
      onCollected: () => Promise.resolve(),
      onAfterRunSuite: (run: Suite) => super.onAfterRunSuite(run),
      onAfterRunFiles: () => undefined,
      onBeforeRunTask: (test: Test) => {
        if (failed || wanted?.has(idOf(test)) === false) test.mode = 'skip';
        stryker.currentTestId = idOf(test);
        return super.onBeforeRunTask(test);
      },
      onAfterRunTask: (test: Test) => {
        stryker.currentTestId = relative(process.cwd(), test.file.filepath) + LOADING;
        failed ||= !stays && test.result?.state === 'fail';
      },
    });
    return runner;
  }
}

/** The files of these tests, or all of the group's, in the order in which they are run. */
function filesOf(wanted: Wanted): readonly string[] {
  const all = JSON.parse(process.env['MUTANTS_TESTS'] ?? '[]') as readonly string[];
  if (wanted === undefined) return all;
  const named = new Set([...wanted].map((id) => id.slice(0, id.indexOf('#'))));
  return all.filter((file) => named.has(file));
}

function testedIn(loaded: File, file: string): Tested[] {
  const inFile = (tasks: readonly Task[]): Test[] =>
    tasks.flatMap((task) => (task.type === 'suite' ? inFile(task.tasks) : [task]));
  const failureOf = ({ result }: Pick<Task, 'result'>): string | null =>
    result?.state === 'fail' ? (result.errors?.[0]?.message ?? 'failed without a message') : null;
  const failureAround = (task: Task): string | null =>
    failureOf(task) ?? (task.suite === undefined ? failureOf(loaded) : failureAround(task.suite));

  const tests = inFile(loaded.tasks);
  if (tests.length === 0) {
    const failure = failureOf(loaded) ?? 'has no tests';
    return [{ id: `${file}#`, file, name: '', millis: 0, failure }];
  }
  return tests
    .filter((test) => test.mode !== 'skip' || failureAround(test) !== null)
    .map((test) => ({
      id: idOf(test),
      file,
      name: nameOf(test),
      millis: test.result?.duration ?? 0,
      failure: failureAround(test),
    }));
}

function isOfTests(id: string): boolean {
  return id.startsWith(`${process.cwd()}/test/`);
}

function isOfWorkflows(id: string): boolean {
  return id.startsWith(`${process.cwd()}/workflows/`);
}

/** What passes while modules or files load counts for each test that needs them. */
function coverageOf(
  tests: readonly Tested[],
  passed: Readonly<Record<string, Passed>>,
  passedWhileLoading: Passed,
): Record<string, Record<string, number>> {
  const sum = (...all: readonly (Passed | undefined)[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const [mutant, count] of all.flatMap((each) => Object.entries(each ?? {})))
      counts[mutant] = (counts[mutant] ?? 0) + count;
    return counts;
  };
  return Object.fromEntries(
    tests.map(({ id, file }) => [id, sum(passedWhileLoading, passed[file + LOADING], passed[id])]),
  );
}

function nameOf(task: Task): string {
  return task.suite === undefined ? task.name : `${nameOf(task.suite)} ${task.name}`;
}

function idOf(test: Test): string {
  return `${relative(process.cwd(), test.file.filepath)}#${nameOf(test)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
