import { describe, expect, it } from 'vitest';
import { fillPlacesOf, type FillPlace } from '../../../src/contracts/check/known.js';
import { readSources } from '../../../src/contracts/read.js';
import { VARIABLES, type Variable } from '../../../src/contracts/vocabulary.js';
import { contractDirectory, type PartialContracts } from './contract-files.js';

const places = (files: PartialContracts = {}): FillPlace[] => fillPlacesOf(readSources(contractDirectory(files)));

/** Of no place it is sure that these are known: a node need not have an epoch, nor have beaten. */
const NEVER: readonly Variable[] = ['epoch', 'check_output', 'lease', 'last_heartbeat_at'];
const unknownAt = ({ known }: FillPlace): Variable[] =>
  VARIABLES.filter((name) => !known.has(name) && !NEVER.includes(name));

const ROUNDS = ['rounds', 'rounds_left'];
const DEADLINES = ['ack_deadline', 'liveness_deadline'];
const AT_LAST = ['state', 'previous_state', 'reason'];

describe('the places at which the shipped contract fills a template', () => {
  it('are its ways into states, its ends, its refreshes, and what the reducer enters', () => {
    const all: Record<string, string[]> = {};
    for (const { when, action } of places()) all[when] = [...new Set([...(all[when] ?? []), action])];
    const ends = ['emit_consul_deregister_intent', 'emit_postgres_end_intent'];
    expect(all).toEqual({
      'on the way into "PENDING_REGISTRATION"': ['emit_registration_initiated'],
      'on the way from "ACCEPTED" into "AWAITING_ACK"': ['emit_registration_accepted'],
      'on the way from "ACK_TIMED_OUT" into "AWAITING_ACK"': ['emit_registration_accepted'],
      'on the way from "AWAITING_ACK" into "ACK_TIMED_OUT"': ['emit_ack_timed_out'],
      'on the way from "ACK_RECEIVED" into "ACTIVE"': [
        'emit_consul_pass_intent',
        'emit_postgres_active_intent',
        'emit_ack_received',
        'emit_became_active',
      ],
      'on the way from "PENDING_REGISTRATION" into "REJECTED"': ['emit_registration_rejected'],
      'on the way from "ACTIVE" into "LIVENESS_EXPIRED"': ['emit_liveness_expired'],
      'on the way from "ACTIVE" into "DRAINING"': [
        'emit_consul_drain_intent',
        'emit_postgres_draining_intent',
        'emit_draining',
      ],
      // Its node has acknowledged long ago: that is not published again.
      'on the way from "DRAINING" into "ACTIVE"': [
        'emit_consul_pass_intent',
        'emit_postgres_active_intent',
        'emit_became_active',
      ],
      'on the way from "DRAINING" into "LIVENESS_EXPIRED"': ['emit_liveness_expired'],
      'at the end in "ACK_TIMED_OUT"': ends,
      'at the end in "REJECTED"': ends,
      'at the end in "LIVENESS_EXPIRED"': ends,
      'at the end in "DEREGISTERED"': [
        'emit_consul_deregister_intent',
        'emit_deregistered',
        'emit_postgres_end_intent',
      ],
      'when changed data are refreshed': ['emit_consul_refresh_intent', 'emit_postgres_refresh_intent'],
      'when the reducer enters "pending"': ['emit_consul_intent', 'emit_postgres_intent'],
    });
  });

  it.each([
    ['on the way into "PENDING_REGISTRATION"', [...AT_LAST, ...ROUNDS, ...DEADLINES]],
    ['on the way from "ACCEPTED" into "AWAITING_ACK"', ['reason', ...DEADLINES]],
    ['on the way from "ACK_TIMED_OUT" into "AWAITING_ACK"', ['liveness_deadline']],
    ['on the way from "AWAITING_ACK" into "ACK_TIMED_OUT"', ['liveness_deadline']],
    ['on the way from "ACK_RECEIVED" into "ACTIVE"', ['reason', ...ROUNDS, 'ack_deadline']],
    ['on the way from "PENDING_REGISTRATION" into "REJECTED"', [...ROUNDS, ...DEADLINES]],
    ['on the way from "ACTIVE" into "LIVENESS_EXPIRED"', [...ROUNDS, 'ack_deadline']],
    ['on the way from "ACTIVE" into "DRAINING"', [...ROUNDS, 'ack_deadline']],
    ['on the way from "DRAINING" into "ACTIVE"', ['reason', ...ROUNDS, 'ack_deadline']],
    ['at the end in "ACK_TIMED_OUT"', ['liveness_deadline']],
    ['at the end in "LIVENESS_EXPIRED"', [...ROUNDS, 'ack_deadline']],
    // It is entered from everywhere.
    ['at the end in "DEREGISTERED"', [...ROUNDS, ...DEADLINES]],
    ['when changed data are refreshed', ['previous_state', 'reason', ...ROUNDS, ...DEADLINES]],
    ['when the reducer enters "pending"', ['previous_state', 'reason', ...ROUNDS, ...DEADLINES]],
  ])('%s may lack %j', (when, unknown) => {
    const here = places().filter((place) => place.when === when);
    expect(here.length).toBeGreaterThan(0);
    for (const place of here) expect(new Set(unknownAt(place))).toEqual(new Set(unknown));
  });

  it('are never sure of an epoch, a lease or a heartbeat', () => {
    for (const { known } of places()) expect(NEVER.filter((name) => known.has(name))).toEqual([]);
  });

  it('each have the states between which they are, and the transition that leads there', () => {
    const shown = new Set(
      places()
        .filter(({ action }) => /initiated|timed_out|end_intent|refresh_intent/.test(action))
        .filter(({ when }) => !/REJECTED|EXPIRED|DEREGISTERED|postgres/.test(when))
        .map(({ state, entering, previous_state, cause, when }) =>
          [when, state, entering, previous_state, cause?.join('.') ?? null].join(' | '),
        ),
    );
    expect(shown).toEqual(
      new Set([
        'on the way into "PENDING_REGISTRATION" |  | PENDING_REGISTRATION |  | ',
        'on the way from "AWAITING_ACK" into "ACK_TIMED_OUT" | AWAITING_ACK | ACK_TIMED_OUT | AWAITING_ACK | ' +
          'state_machine.transitions.5',
        'at the end in "ACK_TIMED_OUT" | ACK_TIMED_OUT | ACK_TIMED_OUT | AWAITING_ACK | state_machine.transitions.5',
        'when changed data are refreshed | PENDING_REGISTRATION | PENDING_REGISTRATION | PENDING_REGISTRATION | ',
      ]),
    );
  });
});

describe('what is known', () => {
  const state = (name: string, actions: string, more = ''): string =>
    `    - { state_name: "${name}", entry_actions: [${actions}]${more} }\n`;
  const machine = (states: string, transitions = '', timers = ''): PartialContracts => ({
    orchestrator:
      `state_machine:\n  states:\n${states}` +
      (transitions === '' ? '' : `  transitions:\n${transitions}`) +
      (timers === '' ? '' : `timers:\n${timers}`),
  });
  const row = (from: string, to: string, trigger: string, more = ''): string =>
    `    - { from_state: "${from}", to_state: "${to}", trigger: "${trigger}"${more} }\n`;
  /** A state behind another, with a transition on `trigger`. */
  const behind = (from: string, trigger: string, more = ''): PartialContracts =>
    machine(state('LAST', '"emit_liveness_expired"'), row(from, 'LAST', trigger, more));
  const waiting = (actions: string): PartialContracts => machine(state('AWAITING_ACK', actions));
  const reducer = (failed: string): PartialContracts => ({
    reducer:
      'state_machine:\n  states:\n    - { state_name: "failed", entry_actions: ["emit_consul_intent"] }\n' +
      `    - { state_name: "stuck", entry_actions: ["emit_consul_intent"] }\n${failed}`,
  });
  const [accepted, received, intent] = ['"emit_registration_accepted"', '"emit_ack_received"', '"emit_consul_intent"'];

  it('becomes less along every way, whatever the order in which the states stand', () => {
    const files = machine(
      state('FIRST', '') + state('SECOND', ''),
      row('ACCEPTED', 'FIRST', 'x') + row('FIRST', 'SECOND', 'x') + row('SECOND', 'LIVENESS_EXPIRED', 'x'),
    );
    const ends = places(files).filter(({ when }) => when === 'at the end in "LIVENESS_EXPIRED"');
    expect(new Set(ends.map(({ known }) => known.has('liveness_deadline')))).toEqual(new Set([false]));
    expect(places().some(({ when, known }) => when === ends[0]?.when && known.has('liveness_deadline'))).toBe(true);
  });

  it.each<[string, PartialContracts, string, string, Variable, boolean]>([
    ...(['reason', 'previous_state'] as const).flatMap((name) =>
      (['liveness', 'ack'] as const).map((timer): [string, PartialContracts, string, string, Variable, boolean] => [
        `the ${name} is ${timer === 'ack' ? 'known' : 'lost with a run'} in a state of the timer ${timer}`,
        machine(
          state('LAST', '', `, timer: "${timer}", end_actions: [${intent}]`),
          row('ACCEPTED', 'LAST', 'x', ', reason: "left"'),
        ),
        'emit_consul_intent',
        'at the end in "LAST"',
        name,
        timer === 'ack',
      ]),
    ),
    [
      'a deadline is not known in the publish that stamps it',
      waiting(`${accepted}, ${received}`),
      'emit_ack_received',
      'on the way from "ACCEPTED" into "AWAITING_ACK"',
      'ack_deadline',
      false,
    ],
    [
      'a deadline is known to an intent after its publish',
      waiting(`${accepted}, ${intent}`),
      'emit_consul_intent',
      'on the way from "ACCEPTED" into "AWAITING_ACK"',
      'ack_deadline',
      true,
    ],
    [
      'a deadline is known in the next publish',
      waiting(`${accepted}, ${intent}, ${received}`),
      'emit_ack_received',
      'on the way from "ACCEPTED" into "AWAITING_ACK"',
      'ack_deadline',
      true,
    ],
    [
      'no deadline is known where the stamp is of a timer that asks nothing about acks',
      { orchestrator: 'timers:\n  - { timer: "ack", verify: "lease" }\n' },
      'emit_ack_timed_out',
      'on the way from "AWAITING_ACK" into "ACK_TIMED_OUT"',
      'ack_deadline',
      false,
    ],
    [
      'an ack brings the deadline of the first heartbeat',
      behind('AWAITING_ACK', 'ack_received'),
      'emit_liveness_expired',
      'on the way from "AWAITING_ACK" into "LAST"',
      'liveness_deadline',
      true,
    ],
    [
      'nothing else brings it',
      behind('AWAITING_ACK', 'entry_done'),
      'emit_liveness_expired',
      'on the way from "AWAITING_ACK" into "LAST"',
      'liveness_deadline',
      false,
    ],
    ...(['entry_done', 'reducer_complete', 'ack_timeout'] as const).map(
      (trigger): [string, PartialContracts, string, string, Variable, boolean] => [
        `the reason of before holds after ${trigger}`,
        behind('ACK_TIMED_OUT', trigger),
        'emit_liveness_expired',
        'on the way from "ACK_TIMED_OUT" into "LAST"',
        'reason',
        true,
      ],
    ),
    ...(['ack_received', 'shutdown_received', 'run_cancelled'] as const).map(
      (trigger): [string, PartialContracts, string, string, Variable, boolean] => [
        `the reason of before does not hold after ${trigger}, a message`,
        behind('ACK_TIMED_OUT', trigger),
        'emit_liveness_expired',
        'on the way from "ACK_TIMED_OUT" into "LAST"',
        'reason',
        false,
      ],
    ),
    [
      'a reason that the transition has is known also after a message',
      behind('ACCEPTED', 'shutdown_received', ', reason: "left"'),
      'emit_liveness_expired',
      'on the way from "ACCEPTED" into "LAST"',
      'reason',
      true,
    ],
    [
      'the reducer fails with a reason',
      behind('ACCEPTED', 'reducer_failed'),
      'emit_liveness_expired',
      'on the way from "ACCEPTED" into "LAST"',
      'reason',
      true,
    ],
    [
      'it is complete without one',
      behind('ACCEPTED', 'reducer_complete'),
      'emit_liveness_expired',
      'on the way from "ACCEPTED" into "LAST"',
      'reason',
      false,
    ],
    [
      'only its own triggers say that it has failed',
      behind('ACCEPTED', 'not_reducer_failed'),
      'emit_liveness_expired',
      'on the way from "ACCEPTED" into "LAST"',
      'reason',
      false,
    ],
    [
      'the intents of a failure have its reason',
      reducer(''),
      'emit_consul_intent',
      'when the reducer enters "failed"',
      'reason',
      true,
    ],
    [
      'they have none where something else leads there, too',
      reducer('  transitions:\n    - { from_state: "complete", to_state: "failed", trigger: "reset" }\n'),
      'emit_consul_intent',
      'when the reducer enters "failed"',
      'reason',
      false,
    ],
    [
      'those of a state that nothing leads to have none',
      reducer(''),
      'emit_consul_intent',
      'when the reducer enters "stuck"',
      'reason',
      false,
    ],
    [
      'a run that adopts a lease does not know the rounds of before',
      { orchestrator: 'timers:\n  - { timer: "ack", verify: "lease" }\n' },
      'emit_ack_timed_out',
      'on the way from "AWAITING_ACK" into "ACK_TIMED_OUT"',
      'rounds',
      false,
    ],
    [
      'and not how many of them are left',
      { orchestrator: 'timers:\n  - { timer: "ack", verify: "lease" }\n' },
      'emit_ack_timed_out',
      'on the way from "AWAITING_ACK" into "ACK_TIMED_OUT"',
      'rounds_left',
      false,
    ],
    [
      'the rounds are known in a state whose timer counts them, whatever was before',
      machine(state('ACCEPTED', '"emit_ack_received"', ', timer: "ack"')),
      'emit_ack_received',
      'on the way from "PENDING_REGISTRATION" into "ACCEPTED"',
      'rounds_left',
      true,
    ],
    [
      'a new attempt begins with its rounds where the first state counts them',
      machine(state('PENDING_REGISTRATION', '"emit_registration_initiated"', ', timer: "ack"')),
      'emit_registration_initiated',
      'on the way into "PENDING_REGISTRATION"',
      'rounds',
      true,
    ],
    [
      'a new attempt knows no state, whatever leads back to the first one',
      machine(
        state('PENDING_REGISTRATION', '"emit_registration_initiated"'),
        row('ACTIVE', 'PENDING_REGISTRATION', 'x'),
      ),
      'emit_registration_initiated',
      'on the way into "PENDING_REGISTRATION"',
      'previous_state',
      false,
    ],
    [
      'another way into the first state is one more place',
      machine(
        state('PENDING_REGISTRATION', '"emit_registration_initiated"'),
        row('ACTIVE', 'PENDING_REGISTRATION', 'x'),
      ),
      'emit_registration_initiated',
      'on the way from "ACTIVE" into "PENDING_REGISTRATION"',
      'liveness_deadline',
      true,
    ],
  ])('%s', (_, files, action, when, name, isKnown) => {
    const here = places(files).filter((place) => place.action === action && place.when === when);
    expect(here.map(({ known }) => known.has(name))).toEqual([isKnown]);
  });
});
