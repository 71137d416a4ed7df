import { describe, expect, it } from 'vitest';
import type { NodeReport } from '../../../../src/cli/status/explain-node.js';
import { storyOf } from '../../../../src/cli/status/story.js';
import { clockSeconds } from '../../../../src/cli/terminal/format.js';
import type { CompiledContract } from '../../../../src/contracts/compiled.js';
import { SHIPPED_CONTRACTS, loadContracts } from '../../../../src/contracts/load.js';
import { livesByLease } from '../../../../workflows/core/index.js';
import { BEGINNING, Life, type LifeStep } from '../../core/life.js';

/** A running registration as sentences. The registrations come from the core, as a run would have them. */

const shipped = loadContracts(SHIPPED_CONTRACTS).compiled;

const startup: LifeStep = { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 };
const allGoesWell: LifeStep = { do: 'all goes well' };
const ack: LifeStep = { do: 'ack', of: 'current', late: false };
const ackTimeout: LifeStep = { do: 'time passes', seconds: 31, finding: { fires: true } };

function lived(steps: readonly LifeStep[], contract = shipped): Life {
  const life = new Life(contract);
  for (const step of steps) life.step(step);
  return life;
}

type Report = Extract<NodeReport, { readonly source: 'workflow' }>;

/** The story of a life, so many seconds after its last step. */
function story(life: Life, known: Partial<Report> = {}, seconds = 0, contract: CompiledContract = shipped): string[] {
  const { node } = life;
  return storyOf(
    {
      source: 'workflow',
      node_id: node.node_id,
      run_id: 'r',
      state: node.state ?? 'UNKNOWN',
      line: '',
      registration: node,
      contract_version: contract.version,
      pending: [],
      journal: [],
      link: null,
      no_answer: null,
      lease: null,
      ...known,
    },
    contract,
    Date.parse(life.now) + seconds * 1_000,
  );
}

const at = (seconds: number, from = BEGINNING): string =>
  clockSeconds(new Date(Date.parse(from) + seconds * 1_000).toISOString());

const consulFails = {
  activity: 'consul.register',
  attempt: 7,
  limit: null,
  failure: 'connect ECONNREFUSED 127.0.0.1:8500',
  next_at: null,
  last_at: null,
  made: 6,
};

describe('the story of a registration', () => {
  it('says which backend is waited for, its last error in its own words, and when it is tried again', () => {
    const life = lived([
      startup,
      { do: 'answer publish', how: 'published' },
      { do: 'answer effect', how: 'confirmed' },
    ]);
    expect(life.node.reducer.status).toBe('partial');
    const next_at = Date.parse(life.now) + 31_500;
    expect(story(life, { pending: [{ ...consulFails, next_at }] }, 25)).toEqual([
      expect.stringMatching(
        /^It waits for (Consul|PostgreSQL) to confirm its registration; (PostgreSQL|Consul) has confirmed\.$/,
      ),
      'consul.register (Consul) has failed 6 times, and try 7 comes in 7 s; the last error was: ' +
        'connect ECONNREFUSED 127.0.0.1:8500',
      `It has been PENDING_REGISTRATION for 25 s, since ${at(0)}.`,
      'Next: when every backend has confirmed, ACCEPTED and then AWAITING_ACK; if a backend refuses its data, ' +
        'REJECTED, and the attempt ends.',
    ]);
  });

  it('says of a try that is under way which one it is', () => {
    const life = lived([startup, { do: 'answer publish', how: 'published' }]);
    const [waits, first, again] = story(life, {
      pending: [
        { ...consulFails, attempt: 1, failure: null, limit: 5 },
        { ...consulFails, attempt: 2 },
      ],
    });
    expect(waits).toBe('It waits for Consul and PostgreSQL to confirm its registration.');
    expect(first).toBe('consul.register (Consul) is under way: try 1 of 5.');
    expect(again).toMatch(/has failed once, and try 2 is under way; the last error was: connect/);
  });

  it('says how long the acknowledgement has left, in which round, and what the last round came to', () => {
    const life = lived([startup, allGoesWell]);
    expect(story(life, {}, 18)).toEqual([
      `It waits for the node's acknowledgement: round 1 of 3, 12 s left (until ${at(30)}).`,
      `It has been AWAITING_ACK for 18 s, since ${at(0)}.`,
      'Next: with the acknowledgement, ACK_RECEIVED and then ACTIVE; without it, ACK_TIMED_OUT and then ' +
        'AWAITING_ACK again (round 2 of 3).',
    ]);
    life.step(ackTimeout);
    life.step(allGoesWell);
    const second = story(life, {}, 40);
    expect(second[0]).toContain('round 2 of 3, the time is over, and is being looked at');
    expect(second[1]).toMatch(/^The last error was: no acknowledgement by .* \(round 1 of 3\)$/);
    life.step(ackTimeout);
    life.step(allGoesWell);
    expect(story(life).at(-1)).toMatch(/without it, ACK_TIMED_OUT, and the attempt ends\.$/);
  });

  it('says how long a lease lasts, that a node is silent, and when it expires', () => {
    const life = lived([startup, allGoesWell, ack, allGoesWell]);
    expect(livesByLease(life.node.state, shipped)).toBe(true);
    const after = (seconds: number): string => new Date(Date.parse(life.now) + seconds * 1_000).toISOString();
    const lease = { deadline: after(90), last_heartbeat_at: after(0), held: null };
    const expires = at(105, life.now);
    expect(story(life, { lease }, 5)).toEqual(
      [
        'It is registered and alive: last heartbeat 5 s ago, its lease lasts 85 s more.',
        `It has been ACTIVE for 5 s, since ${at(0, life.now)}.`,
        `Next: without a heartbeat by ${expires}, LIVENESS_EXPIRED, and the attempt ends.`,
      ].map((line) => line.replace('85 s', '1 min')),
    );
    expect(story(life, { lease }, 95)[0]).toBe(
      'It is silent: last heartbeat 1 min ago, and its lease ran out 5 s ago; it expires in 10 s unless a ' +
        'heartbeat arrives.',
    );
    expect(story(life, { lease }, 300)[0]).toMatch(/its lease ran out 3 min ago; its expiry is being looked at\.$/);
    const held = 'self-preservation holds: 9 of 12 nodes look dead';
    expect(story(life, { lease: { ...lease, held } }, 95)).toEqual([
      `It is silent: last heartbeat 1 min ago, and its lease ran out 5 s ago.`,
      `It does not expire: ${held}`,
      expect.stringMatching(/^It has been ACTIVE/) as string,
    ]);
    expect(story(life)[0]).toBe('It is registered; how long its lease lasts is not known.');
  });

  it('says what can be said when no worker answers', () => {
    const no_answer = 'its workflow gave no answer (deadline): does a worker run?';
    expect(story(lived([startup]), { registration: null, no_answer, pending: [consulFails] })).toEqual([
      `What it waits for is not known: ${no_answer}`,
      expect.stringContaining('consul.register (Consul) has failed 6 times'),
    ]);
  });

  it('has the states of another contract', () => {
    const renamed = JSON.parse(
      JSON.stringify(shipped).replaceAll('AWAITING_ACK', 'HAND_OUT').replaceAll('"ACTIVE"', '"LIVE"'),
    ) as CompiledContract;
    const life = lived([startup, allGoesWell], renamed);
    expect(story(life, {}, 0, renamed).slice(1)).toEqual([
      `It has been HAND_OUT for 0 s, since ${at(0)}.`,
      'Next: with the acknowledgement, ACK_RECEIVED and then LIVE; without it, ACK_TIMED_OUT and then HAND_OUT ' +
        'again (round 2 of 3).',
    ]);
  });
});
