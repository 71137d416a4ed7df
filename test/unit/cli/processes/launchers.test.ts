import { describe, expect, test } from 'vitest';
import { launchersOf } from '../../../../src/cli/processes/launchers.js';

/** Processes by id: their parent and command line. */
function machine(...chain: readonly (readonly [pid: number, command: string])[]) {
  const processes = new Map(
    chain.map(([pid, command], index) => [pid, { parent: chain[index + 1]?.[0] ?? 1, command }]),
  );
  return (pid: number) => processes.get(pid);
}

describe('launchers', () => {
  test('are npm, tsx and the shells between, and not the person’s shell', () => {
    const look = machine(
      [50, 'node --import tsx src/cli/main.ts demo'],
      [40, 'node /app/node_modules/.bin/tsx src/cli/main.ts demo'],
      [30, 'sh -c tsx src/cli/main.ts demo'],
      [20, 'npm run demo'],
      [10, '-bash'],
    );
    expect(launchersOf(50, look)).toEqual([40, 30, 20]);
  });

  test('are nobody when the program was started by hand, or by a script', () => {
    expect(launchersOf(50, machine([50, 'node dist/src/cli/main.js up'], [10, '-bash']))).toEqual([]);
    expect(launchersOf(50, machine([50, 'node dist/src/cli/main.js up'], [10, 'bash -c registrar up & wait']))).toEqual(
      [],
    );
  });

  test('leave out a shell that has itself started npm', () => {
    expect(
      launchersOf(
        50,
        machine(
          [50, 'node main.js'],
          [40, 'sh -c node main.js'],
          [30, 'npm run demo'],
          [20, 'bash -c npm run demo'],
          [10, 'sshd'],
        ),
      ),
    ).toEqual([40, 30]);
  });

  test('end where the processes do', () => {
    expect(launchersOf(50, machine([50, 'node main.js'], [40, 'npm run demo']))).toEqual([40]);
    expect(launchersOf(50, () => undefined)).toEqual([]);
  });
});
