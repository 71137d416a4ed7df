import { expect, it } from 'vitest';
import type { Child } from '../../../../src/cli/processes/children.js';
import { whenOneEnds } from '../../../../src/cli/up/broken.js';

type Exit = Awaited<Child['exited']>;

function child(end: Exit | Promise<Exit>, lines = ''): Child {
  const never = (): Promise<void> => new Promise(() => undefined);
  return {
    role: 'bridge',
    pid: 17,
    exited: Promise.resolve(end),
    logFile: '/data/logs/bridge.log',
    lastLines: () => lines,
    go: () => undefined,
    ready: never,
    logTo: () => undefined,
    stop: never,
  };
}

it('a child that ends by itself is reported with how, its own last words, and where all of them are', async () => {
  const last = '{"level":"info"}\nThe contracts do not hold together:\ncontract.yaml:7: no such state';
  const error = await whenOneEnds([child({ code: 1, signal: null }, last)]).promise;
  expect(error.message).toBe(
    `The bridge (process 17) has ended by itself, with exit code 1.\nThe end of its log:\n${last}`,
  );
  expect(error.hint).toBe('Its whole log: /data/logs/bridge.log');
});

it('a child that has said nothing is reported without words', async () => {
  const error = await whenOneEnds([child({ code: null, signal: 'SIGKILL' })]).promise;
  expect(error.message).toBe('The bridge (process 17) has ended by itself, by SIGKILL.');
});

it('an end that was asked for is none', async () => {
  let end: (exit: Exit) => void = () => undefined;
  const broken = whenOneEnds([child(new Promise((resolve) => (end = resolve)))]);
  broken.expectEnds();
  end({ code: 0, signal: null });
  await expect(Promise.race([broken.promise, new Promise((resolve) => setImmediate(resolve, 'none'))])).resolves.toBe(
    'none',
  );
});
