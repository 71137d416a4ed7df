import { setInterval } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  determineHitLimitReached,
  DryRunStatus,
  TestStatus,
  toMutantRunResult,
  type DryRunOptions,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
} from '@stryker-mutator/api/test-runner';
import { createVitest, type Vitest } from 'vitest/node';
import { CHANNEL, type Answer, type Request } from '../test/mutants/requests.js';

/**
 * A change whose tests have used so much time of a core is an endless loop, where loading and running all of them does
 * not use a third of it. On a busy machine the time of a clock says nothing.
 */
const ENDLESS_CPU_SECONDS = Number(process.env['MUTANTS_CPU_SECONDS']);

/**
 * A test runner for Stryker: one worker of vitest stays, and runs the tests for one change after the other (see
 * test/mutants/one-process.ts). Stryker's own starts a worker for each change.
 */
class OneProcess implements TestRunner {
  readonly #channel = new BroadcastChannel(CHANNEL);
  #vitest: Vitest | undefined;
  #running: Promise<unknown> | undefined;
  #answered: (answer: unknown) => void = () => undefined;
  #endlessCpuSeconds = ENDLESS_CPU_SECONDS;

  /** Our modules are loaded anew for each change. */
  capabilities(): { readonly reloadEnvironment: boolean } {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    this.#channel.onmessage = (event) => this.#answered((event as { data: unknown }).data);
    const config = 'test/mutants/vitest.config.ts';
    this.#vitest = await createVitest('test', { config, watch: false, reporters: [{}] });
    const ready = new Promise((resolve) => (this.#answered = resolve));
    this.#running = this.#vitest.start();
    await Promise.race([
      ready,
      this.#running.then(() => {
        throw new Error('vitest has ended before any test was asked for');
      }),
    ]);
    // Each process does this once, and the first change that it tries must not count as an endless loop for it.
    const before = process.cpuUsage();
    await this.#ask({ kind: 'prepare' });
    this.#endlessCpuSeconds = Math.max(ENDLESS_CPU_SECONDS, 3 * cpuSeconds(before));
  }

  async dryRun({ coverageAnalysis }: DryRunOptions): Promise<DryRunResult> {
    const answer = await this.#ask({ kind: 'unchanged' });
    if (answer.uncaught.length > 0) return { status: DryRunStatus.Error, errorMessage: answer.uncaught.join('\n') };
    const ran = { status: DryRunStatus.Complete as const, tests: testResults(answer) };
    return coverageAnalysis === 'off' ? ran : { ...ran, mutantCoverage: { static: {}, perTest: answer.coverage } };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, testFilter, hitLimit } = options;
    const over = new AbortController();
    const answer = await Promise.race([
      this.#ask({ kind: 'changed', mutant: activeMutant.id, tests: testFilter, hitLimit }),
      endless(this.#endlessCpuSeconds, over.signal),
    ]);
    over.abort();
    if (answer === 'endless') {
      // Its thread cannot be stopped otherwise. Stryker starts another process for the next change.
      setTimeout(() => process.exit(1), 500);
      return toMutantRunResult({ status: DryRunStatus.Timeout });
    }
    const tooOften = determineHitLimitReached(answer.hits, hitLimit);
    if (tooOften !== undefined) return toMutantRunResult(tooOften);
    const tests = testResults(answer);
    if (answer.uncaught.length > 0 && tests.every(({ status }) => status !== TestStatus.Failed))
      return toMutantRunResult({ status: DryRunStatus.Error, errorMessage: answer.uncaught.join('\n') });
    return toMutantRunResult({ status: DryRunStatus.Complete, tests });
  }

  /** @throws Error when a test fails with the code as it is, after all changes: then one of them has left something. */
  async dispose(): Promise<void> {
    const after = await this.#ask({ kind: 'unchanged' });
    this.#channel.postMessage({ kind: 'stop' } satisfies Request);
    await this.#running;
    await this.#vitest?.close();
    this.#channel.close();
    const failed = after.tests.find(({ failure }) => failure !== null);
    if (failed !== undefined) throw new Error(`without a change, ${failed.id} fails: ${failed.failure}`);
  }

  async #ask(request: Request): Promise<Answer> {
    const answered = new Promise<unknown>((resolve) => (this.#answered = resolve));
    this.#channel.postMessage(request);
    const answer = (await answered) as Answer | { readonly error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }
}

/** Resolves when this process has used that much time of a core from now on. */
async function endless(seconds: number, signal: AbortSignal): Promise<'endless'> {
  const before = process.cpuUsage();
  for await (const _ of setInterval(1_000, undefined, { signal })) if (cpuSeconds(before) > seconds) break;
  return 'endless';
}

/** Seconds of a core that this process has used since then. */
function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000_000;
}

function testResults({ tests }: Answer): TestResult[] {
  return tests.map(({ id, name, file, millis, failure }) => {
    const tested = { id, name, fileName: file, timeSpentMs: millis };
    if (failure === null) return { ...tested, status: TestStatus.Success };
    return { ...tested, status: TestStatus.Failed, failureMessage: failure };
  });
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'one-process', OneProcess)];
