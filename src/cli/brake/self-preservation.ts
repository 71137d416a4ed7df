import { userInfo } from 'node:os';
import { selfPreservationQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import type { Config } from '../../config.js';
import { loadContracts } from '../../contracts/load.js';
import {
  readSelfPreservation,
  releaseSelfPreservation,
  type SelfPreservationQuestion,
  type SelfPreservationRule,
  type SelfPreservationState,
} from '../../registry/leases/self-preservation.js';
import { endOf, goneOf, heldUntil, shareOf } from '../../registry/leases/self-preservation-words.js';
import type { Sql } from '../../registry/pool.js';
import { withRecord } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { facts, since } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';

/** The brake on expiry, as it stands and as the contract wants it. */
export interface BrakeReport extends SelfPreservationState, SelfPreservationRule {
  readonly topics: readonly string[];
  readonly held: boolean;
  /** Of the fleet, how much is gone now; the contract's limit is `share`. */
  readonly share_now: number;
  /** When it is released by itself at the latest; null while it does not hold. */
  readonly held_until: string | null;
}

/** How the brake stands. Changes nothing. */
export function lookAtBrake(config: Config): Promise<BrakeReport> {
  return withRecord(config, (pool) =>
    reportBrake(pool, selfPreservationQuestion(loadContracts(config.contractsDir), config)),
  );
}

export async function reportBrake(sql: Sql, question: SelfPreservationQuestion): Promise<BrakeReport> {
  const state = await readSelfPreservation(sql, question);
  const held = state.held_since !== null;
  return {
    topics: question.topics,
    held,
    ...state,
    share_now: shareOf(state),
    ...question.rule,
    held_until: held ? heldUntil(state, question, new Date().toISOString()) : null,
  };
}

/** @throws CliError when it does not hold: then there is nothing to release */
export async function release(config: Config): Promise<BrakeReport> {
  const question = selfPreservationQuestion(loadContracts(config.contractsDir), config);
  return withRecord(config, async (pool) => {
    const before = await reportBrake(pool, question);
    if (!(await releaseSelfPreservation(pool, question, `operator ${userInfo().username}`))) {
      throw new CliError(`The brake does not hold: ${goneOf(before)} are gone.`, EXIT.failed, {
        hint: `'${command('brake')}' shows how it stands.`,
      });
    }
    return before;
  });
}

/** How it stands, on one line. */
export function brakeLine(report: BrakeReport): string {
  const { share, floor, share_now, active, held_since, held_until } = report;
  const numbers = `${goneOf(report)} gone at once, a share of ${share_now.toFixed(2)}`;
  if (held_since !== null)
    return `holds since ${held_since}: ${numbers} (of ${share} at most); released by itself at the latest ${held_until}`;
  return `open: ${numbers}; it holds above ${share}${active < floor ? `, not in fleets below ${floor} nodes` : ''}`;
}

/** The report for a person. */
export function brakeText(report: BrakeReport): string {
  const {
    held,
    held_since,
    held_until,
    suspects,
    expired,
    active,
    share_now,
    share,
    floor,
    max_hold_windows,
    changed_at,
  } = report;
  return [
    held ? `The brake holds: nobody expires.` : 'The brake is open.',
    '',
    facts([
      ['share', `${share_now.toFixed(2)} (it holds above ${share}, in fleets of ${floor} nodes or more)`],
      ['look dead', String(suspects)],
      ['expired', `${expired} within the last window`],
      ['active', `${active}, those that look dead among them`],
      ['held since', held_since === null ? null : `${held_since} (${since(held_since)})`],
      [
        'until',
        held_until === null
          ? null
          : `${held_until} at the latest: ${max_hold_windows} windows of a stream of heartbeats that moves`,
      ],
      ['last', held || changed_at === null ? null : `${changed_at}: ${endOf(report)}`],
    ]),
    ...(held ? ['', `If these nodes are really gone: ${command('brake release')}`] : []),
  ].join('\n');
}
