import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Trace, traceLine, type TraceLine } from '../../../src/cli/contracts/trace.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { REASONS } from '../../../src/protocol/introspection.js';
import { plusSeconds } from '../../../workflows/core/time.js';
import { assertProperty } from '../../run/properties.js';

/**
 * What holds whatever comes, in whatever order: random messages of random
 * incarnations of one node, twice, late, early, while backends refuse. fast-check
 * prints seed and path of a failure.
 */

const contract = loadContracts().compiled;
const ackSeconds = contract.timers['ack']?.seconds ?? 0;

const incarnation = fc.integer({ min: 0, max: 3 });
const reason = fc.oneof(
  { weight: 6, arbitrary: fc.constant('startup' as const) },
  { weight: 4, arbitrary: fc.constantFrom(...REASONS) },
);

/** A state in which a node may rest: an end, or one with a timer that the contract names. */
function restsIn(state: string | null): boolean {
  const { terminal, timer } = contract.orchestrator.states[state ?? ''] ?? { terminal: false, timer: null };
  return terminal || (timer !== null && contract.timers[timer] !== undefined);
}

describe('the pure core, whatever the message', () => {
  const line = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ message: fc.constant('introspection'), of: incarnation, reason, epoch: fc.boolean() }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ message: fc.constant('backend_ok'), backend: fc.constantFrom('consul', 'postgres') }),
    },
    { weight: 4, arbitrary: fc.record({ message: fc.constant('ack'), of: incarnation }) },
    { weight: 2, arbitrary: fc.constant({ message: 'ack' }) },
    { weight: 3, arbitrary: fc.constant({ message: 'deadline' }) },
    {
      weight: 1,
      arbitrary: fc.record({
        message: fc.constant('backend_failed'),
        backend: fc.constantFrom('consul', 'postgres'),
        permanent: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom({ message: 'heartbeat' }, { message: 'reset' }) },
    { weight: 2, arbitrary: fc.constantFrom({ message: 'drain' }, { message: 'undrain' }, { message: 'evict' }) },
  );
  const lines = fc.array(fc.tuple(line, fc.constantFrom(0, 1, 5, 31, 200)), { minLength: 1, maxLength: 25 });

  /** As a line of a trace; incarnation 2 is "c-2", with epoch 2 where it has one. */
  function lineOf(drawn: object, at: string): TraceLine {
    const { of, epoch, ...rest } = drawn as { of?: number; epoch?: boolean };
    return traceLine.parse({
      ...rest,
      at,
      ...(of === undefined ? {} : { correlation_id: `c-${of}` }),
      ...(epoch === true ? { epoch: of } : {}),
    });
  }

  it('accepts after both confirmations, activates by a matching ack in time, and never goes back in attempts', () => {
    const seen = new Set<string>();
    assertProperty(
      fc.property(lines, (drawn) => {
        const trace = new Trace(contract);
        let at = '2026-01-01T00:00:00.000Z';
        let attempt = 0;
        /** Of the introspections that this attempt may have begun with; a retry begins with the node's newest data. */
        let begun_with = new Set<string>();
        let seen_since: string[] = [];
        let accepted_at = '';
        const confirmed = new Set<string>();
        const activated = new Set<number>();
        const drained = new Set<number>();
        for (const [what, seconds] of drawn) {
          at = plusSeconds(at, seconds);
          const line = lineOf(what, at);
          const result = trace.step(line);
          expect([0, 1]).toContain(result.attempt - attempt);
          if (result.attempt > attempt) {
            expect(['introspection', 'reset']).toContain(line.message);
            begun_with = new Set(line.message === 'introspection' ? [line.correlation_id ?? ''] : seen_since);
            seen_since = line.message === 'introspection' ? [] : [...begun_with];
            confirmed.clear();
          }
          if (line.message === 'introspection') seen_since.push(line.correlation_id ?? '');
          attempt = result.attempt;
          if (line.message === 'backend_ok') confirmed.add(line.backend);
          for (const event of result.events) {
            seen.add(event);
            if (event === 'node-registration-accepted') {
              expect([...confirmed].sort()).toEqual(['consul', 'postgres']);
              accepted_at = at;
            }
            if (event === 'node-draining') expect(drained.has(attempt)).toBe(false);
            if (event === 'node-draining') drained.add(attempt);
            if (event === 'node-became-active' && drained.delete(attempt)) expect(line.message).toBe('undrain');
            else if (event === 'node-became-active') {
              expect(line.message).toBe('ack');
              if (line.message === 'ack' && line.correlation_id !== undefined)
                expect(begun_with).toContain(line.correlation_id);
              expect(at <= plusSeconds(accepted_at, ackSeconds)).toBe(true);
              expect(activated.has(attempt)).toBe(false);
              activated.add(attempt);
            }
          }
          if (result.orchestrator !== null && result.orchestrator !== contract.orchestrator.initial)
            expect(restsIn(result.orchestrator), result.orchestrator).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
    // Nothing was left out of what was tried.
    expect(seen).toEqual(
      new Set(
        ['initiated', 'accepted', 'rejected', 'ack-received', 'ack-timed-out']
          .map((name) => `node-registration-${name}`)
          .concat('node-became-active', 'node-draining', 'node-liveness-expired', 'node-deregistered'),
      ),
    );
  });
});
