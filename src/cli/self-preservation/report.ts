import { selfPreservationQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import type { Config } from '../../config/index.js';
import type { SelfPreservationRule } from '../../contracts/compiled.js';
import { loadContracts } from '../../contracts/load.js';
import {
  readSelfPreservation,
  releaseSelfPreservation,
  type SelfPreservationQuestion,
  type SelfPreservationState,
} from '../../registry/leases/self-preservation.js';
import { endOf, goneOf, heldUntil, shareOf } from '../../registry/leases/self-preservation-words.js';
import { askedByText, type AskedBy } from '../../protocol/asked-by.js';
import type { Sql } from '../../registry/pool.js';
import { withRegistry } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { facts, since } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';

/** Self-preservation as it stands, and as the contract wants it. */
export interface SelfPreservationReport extends SelfPreservationState, SelfPreservationRule {
  readonly topic: string;
  /** true: it holds, and nobody expires. */
  readonly held: boolean;
  /** Share of the fleet that is gone now; the contract's limit is `share`. */
  readonly share_now: number;
  /** When it ends by itself at the latest; null while it does not hold. */
  readonly held_until: string | null;
}

/** How self-preservation stands. Changes nothing. */
export function showSelfPreservation(config: Config): Promise<SelfPreservationReport> {
  const question = selfPreservationQuestion(loadContracts(config.contractsDir), config);
  return withRegistry(config, (pool) => reportSelfPreservation(pool, question));
}

/** The same for a connection that is open already. */
export async function reportSelfPreservation(
  sql: Sql,
  question: SelfPreservationQuestion,
): Promise<SelfPreservationReport> {
  const state = await readSelfPreservation(sql, question);
  const held = state.held_since !== null;
  return {
    topic: question.topics[0],
    held,
    ...state,
    share_now: shareOf(state),
    ...question.rule,
    held_until: held ? heldUntil(state, question, new Date().toISOString()) : null,
  };
}

/**
 * Releases self-preservation in somebody's name.
 *
 * @param most so many nodes are known to be gone; when there are more by now, nothing is released
 * @returns how it stood before
 * @throws CliError when it does not hold: then there is nothing to release
 */
export async function release(
  config: Config,
  asked_by: AskedBy,
  most: number = Number.POSITIVE_INFINITY,
): Promise<SelfPreservationReport> {
  const question = selfPreservationQuestion(loadContracts(config.contractsDir), config);
  return withRegistry(config, async (pool) => {
    const before = await reportSelfPreservation(pool, question);
    if (before.held && before.suspects + before.expired > most)
      throw new CliError(`Self-preservation is not released: ${goneOf(before)} are gone by now.`, EXIT.failed, {
        hint: `You have agreed to ${most}: look again.`,
      });
    if (!(await releaseSelfPreservation(pool, question, `operator ${askedByText(asked_by)}`))) {
      throw new CliError(`Self-preservation does not hold: ${goneOf(before)} are gone.`, EXIT.failed, {
        hint: `'${command('self-preservation')}' shows how it stands.`,
      });
    }
    return before;
  });
}

/** What a release has led to, for a person. */
export function releasedText(before: SelfPreservationReport): string {
  return (
    `Self-preservation is released: of ${goneOf(before)} that were gone, those that stay silent expire ` +
    'within a lease duration.'
  );
}

/** How it stands, on one line. */
export function selfPreservationLine(report: SelfPreservationReport): string {
  const { share, floor, share_now, active, held_since, held_until } = report;
  const numbers = `${goneOf(report)} gone at once, a share of ${share_now.toFixed(2)}`;
  if (held_since !== null)
    return (
      `holds since ${held_since}: ${numbers} (of ${share} at most); released by itself ` + `at the latest ${held_until}`
    );
  const smallFleet = active < floor ? `, not in fleets below ${floor} nodes` : '';
  return `does not hold: ${numbers}; it holds above ${share}${smallFleet}`;
}

/** The report for a person. */
export function selfPreservationText(report: SelfPreservationReport): string {
  const { held, held_since, held_until, changed_at } = report;
  return [
    held ? 'Self-preservation holds: nobody expires.' : 'Self-preservation does not hold.',
    '',
    facts([
      [
        'share',
        `${report.share_now.toFixed(2)} (it holds above ${report.share}, in fleets of ${report.floor} nodes or more)`,
      ],
      ['look dead', String(report.suspects)],
      ['expired', `${report.expired} within the last lease duration`],
      ['active', `${report.active}, those that look dead among them`],
      ['held since', held_since === null ? null : `${held_since} (${since(held_since)})`],
      [
        'until',
        held_until === null
          ? null
          : `${held_until} at the latest: ${report.max_hold_windows} lease durations in which heartbeats come`,
      ],
      ['last', held || changed_at === null ? null : `${changed_at}: ${endOf(report)}`],
    ]),
    ...(held ? ['', `If these nodes are really gone: ${command('self-preservation release')}`] : []),
  ].join('\n');
}
