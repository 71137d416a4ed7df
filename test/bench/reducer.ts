import { isDeepStrictEqual } from 'node:util';
import { loadContracts } from '../../src/contracts/load.js';
import { beginAttempt } from '../../workflows/core/attempt.js';
import { decide } from '../../workflows/core/decide.js';
import type { Message } from '../../workflows/core/message.js';
import {
  initialState,
  reduce,
  type ReducerEvent,
  type ReducerOutput,
  type ReducerState,
} from '../../workflows/core/reducer.js';
import { unknownNode, withChanges, type Registration } from '../../workflows/core/registration.js';
import { decideByHand, reduceByHand } from './support/by-hand.js';
import { threadMs } from './support/processes.js';
import { newNode } from './support/registrations.js';
import type { Figure, Scenario } from './support/scenario.js';
import { median } from './support/statistics.js';

const NODES = 1_000;
const PAIRS = 10;
const BLOCK_MS = 300;

const contract = loadContracts().compiled;
const nodes = Array.from({ length: NODES }, newNode);

/**
 * The two pure functions on one thread, against the same decisions written by
 * hand in code. reduce: whole registrations, every call a transition. decide:
 * startups that are new, repeated and stale, and acks that are right, wrong and
 * late, in equal parts.
 */
export const run: Scenario = () => {
  const reduced = compare('reduce', reduceAll(reduce), reduceAll(reduceByHand));
  const decided = compare('decide', decideAll(decide), decideAll(decideByHand));
  return Promise.resolve({
    json: { reduce_per_second: Math.round(reduced.value), decide_per_second: Math.round(decided.value) },
    counts:
      `${NODES} nodes over and over, ${PAIRS} pairs of blocks of ${BLOCK_MS} ms of the thread's processor time, ` +
      'after one to warm up',
    figures: [{ ...reduced, goal: { goal: 1_000_000, limit: 200_000, better: 'higher' } }, decided],
  });
};

/** Does the work for all nodes once; answers what came out, and after how many calls. */
type Round = (keep: boolean) => { readonly calls: number; readonly outputs: readonly unknown[] };

function compare(what: string, ours: Round, byHand: Round): Figure {
  // What does something else is no baseline.
  if (!isDeepStrictEqual(ours(true).outputs, byHand(true).outputs))
    throw new Error(`${what} by hand answers otherwise than ${what}`);
  for (const round of [ours, byHand]) perSecond(round);
  const pairs = Array.from({ length: PAIRS }, () => ({ ours: perSecond(ours), byHand: perSecond(byHand) }));
  return {
    name: `${what} calls per second`,
    value: median(pairs.map((pair) => pair.ours)),
    unit: '/s',
    baseline: `${Math.round(median(pairs.map((pair) => pair.byHand))).toLocaleString('en')} /s, by hand without a contract`,
    ratio: median(pairs.map((pair) => pair.ours / pair.byHand)),
  };
}

function perSecond(round: Round): number {
  const began = threadMs();
  let calls = 0;
  let used = 0;
  while (used < BLOCK_MS) {
    calls += round(false).calls;
    used = threadMs() - began;
  }
  return (calls * 1000) / used;
}

function reduceAll(step: (state: ReducerState, event: ReducerEvent, of: typeof contract) => ReducerOutput): Round {
  const start = initialState(contract);
  const registrations = nodes.map(({ node_id }, index) => {
    const [first, second] = index % 2 === 0 ? ['consul', 'postgres'] : ['postgres', 'consul'];
    return ['introspection_received', `${first}_confirmed`, `${second}_confirmed`].map((trigger) => ({
      id: `${trigger} ${node_id}`,
      trigger,
      node_id,
    }));
  });
  return (keep) => {
    const outputs: unknown[] = [];
    let calls = 0;
    for (const events of registrations) {
      let state = start;
      for (const event of events) {
        const output = step(state, event, contract);
        state = output.state;
        calls += 1;
        if (keep) outputs.push(output);
      }
      if (state.status !== 'complete') throw new Error(`a registration ended in ${state.status}`);
    }
    return { calls, outputs };
  };
}

function decideAll(
  decideBy: (node: Registration, message: Message, of: typeof contract) => { readonly action: string },
): Round {
  const cases = nodes.flatMap((node) => {
    const known = { ...node, at: '2026-01-01T00:00:10.000Z' };
    const { node_id, correlation_id } = known;
    const nobody = unknownNode(node_id, null, contract);
    const beginning = { introspection: known, attempt: 1, refusal: null };
    const begun = beginAttempt(nobody, beginning, known.at, contract).registration;
    const active = withChanges(begun, { state: 'ACTIVE', entering: null });
    const waiting = withChanges(begun, {
      state: 'AWAITING_ACK',
      entering: null,
      ack_deadline: '2026-01-01T00:00:40.000Z',
    });
    const introspected = (changes: object): Message => ({
      event_model: 'ModelNodeIntrospectionEvent',
      payload: { ...known, ...changes },
    });
    const acked = (changes: object): Message => ({
      event_model: 'ModelNodeRegistrationAcked',
      payload: { message_id: known.message_id, node_id, correlation_id, at: '2026-01-01T00:00:11.000Z', ...changes },
    });
    return [
      [nobody, introspected({})],
      [active, introspected({})],
      [active, introspected({ correlation_id: 'another', at: '2026-01-01T00:00:09.000Z' })],
      [waiting, acked({})],
      [waiting, acked({ correlation_id: 'another' })],
      [waiting, acked({ at: '2026-01-01T00:00:41.000Z' })],
    ] as const;
  });
  return (keep) => {
    const outputs: unknown[] = [];
    let acted = 0;
    for (const [node, message] of cases) {
      const output = decideBy(node, message, contract);
      if (output.action !== 'no_op') acted += 1;
      if (keep) outputs.push(output);
    }
    if (acted !== 2 * NODES)
      throw new Error(`${acted} of ${cases.length} messages led to something, expected ${2 * NODES}`);
    return { calls: cases.length, outputs };
  };
}
