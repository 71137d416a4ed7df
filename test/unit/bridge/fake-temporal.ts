import { WorkflowNotFoundError, type Client } from '@temporalio/client';

/** A signal as Temporal has got it. */
export interface Signal {
  readonly id: string;
  readonly name: string;
  readonly args: readonly unknown[];
  /** With which a run was started for it; null where there was one. */
  readonly start: StartOptions | null;
}

export interface StartOptions {
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly signal: string;
  readonly signalArgs: readonly unknown[];
}

/**
 * A Temporal in which every node has a run, but those in `without`. It refuses calls outside of a deadline, and those
 * for which `failure` gives an error.
 */
export function fakeTemporal({
  without = [],
  failure = () => undefined,
}: { readonly without?: readonly string[]; readonly failure?: (id: string) => Error | undefined } = {}) {
  const signals: Signal[] = [];
  /** Runs that were terminated, with the reason. */
  const terminated: { readonly id: string; readonly run_id: string; readonly reason: string }[] = [];
  const lost = new Set(without);
  const inFlight = { now: 0, most: 0 };
  /** How long each call was given, in milliseconds. */
  const given: number[] = [];
  let called = false;
  const call = async (signal: Signal): Promise<void> => {
    if (!called) throw new Error(`${signal.name} of ${signal.id} was sent without a deadline`);
    inFlight.now += 1;
    inFlight.most = Math.max(inFlight.most, inFlight.now);
    await Promise.resolve();
    inFlight.now -= 1;
    const error = failure(signal.id);
    if (error !== undefined) throw error;
    if (signal.start === null && lost.has(signal.id))
      throw new WorkflowNotFoundError('workflow not found', signal.id, undefined);
    if (signal.start !== null) lost.delete(signal.id);
    signals.push(signal);
  };
  const client = {
    workflow: {
      // No run is stuck here.
      async *list() {},
      signalWithStart: (type: string, start: StartOptions) => {
        if (type !== 'registration') throw new Error(`no worker has a workflow ${type}`);
        return call({ id: start.workflowId, name: start.signal, args: start.signalArgs, start });
      },
      getHandle: (id: string, run_id = '') => ({
        signal: (name: string, ...args: unknown[]) => call({ id, name, args, start: null }),
        terminate: async (reason: string) => {
          await call({ id, name: 'terminate', args: [run_id], start: null });
          signals.pop();
          terminated.push({ id, run_id, reason });
        },
      }),
    },
    withDeadline(deadline: number, ask: () => Promise<unknown>) {
      if (deadline <= Date.now()) throw new Error('DEADLINE_EXCEEDED');
      given.push(deadline - Date.now());
      called = true;
      const asked = ask();
      called = false;
      return asked;
    },
  } as unknown as Client;
  return { client, signals, terminated, inFlight, given };
}
