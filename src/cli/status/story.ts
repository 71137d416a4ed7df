import type { CompiledContract } from '../../contracts/compiled.js';
import { confirmedBackends } from '../../server/contract/confirmed-backends.js';
import { titleOf } from '../../server/contract/view.js';
import type { PendingActivity } from '../../runs/pending-activities.js';
import { livesByLease, type Registration } from '../../../workflows/core/index.js';
import { clockSeconds, duration, since, secondsLeft, shown } from '../terminal/format.js';
import type { Lease, RunningNode } from './explain-node.js';
import { whatMayFollow } from './what-may-follow.js';

/**
 * What a running registration does, as sentences for a person: what it waits for, the last error in the backend's
 * words, since when, and what happens next.
 *
 * @param now milliseconds since 1970
 */
export function storyOf(
  node: RunningNode & { readonly lease: Lease | null },
  contract: CompiledContract,
  now: number = Date.now(),
): string[] {
  const { registration, no_answer, pending } = node;
  if (registration === null)
    return [
      ...(no_answer === null ? [] : [`What it waits for is not known: ${shown(no_answer)}`]),
      ...pending.map((one) => tryWords(one, contract, now)),
    ];
  return [
    waitsFor(node.lease, registration, contract, now),
    ...(node.lease?.held ? [`It does not expire: ${node.lease.held}`] : []),
    ...pending.map((one) => tryWords(one, contract, now)),
    ...lastRefusal(registration, pending, contract),
    ...(registration.since === null
      ? []
      : [
          `It has been ${node.state} for ${since(registration.since, now)}, since ${clockSeconds(registration.since)}.`,
        ]),
    ...whatMayFollow(registration, node.lease, contract, new Date(now).toISOString()),
  ];
}

function waitsFor(lease: Lease | null, registration: Registration, contract: CompiledContract, now: number): string {
  const { entering, state } = registration;
  if (entering?.ending === true) return 'Its registration attempt is over; it is being taken out of the backends.';
  if (entering !== null && state !== null) return `It is on its way to ${entering.state}.`;
  if (state === contract.orchestrator.initial) return backendsWords(registration, contract);
  if (livesByLease(state, contract)) return leaseWords(lease, contract, now);
  const timer = contract.timers[contract.orchestrator.states[state ?? '']?.timer ?? ''];
  if (timer?.verify === 'acks_read') return ackWords(registration, now);
  return timer === undefined || registration.timer_due === null
    ? 'It waits for nothing.'
    : `It waits until ${clockSeconds(registration.timer_due)}: ${timer.trigger.replaceAll('_', ' ')}.`;
}

/** "It waits for Consul to confirm its registration; PostgreSQL has confirmed." */
function backendsWords({ reducer }: Registration, contract: CompiledContract): string {
  const backends = Object.entries(confirmedBackends(reducer, reducer.status, contract));
  const named = (confirmed: boolean): string =>
    backends.flatMap(([backend, is]) => (is === confirmed ? [titleOf(backend)] : [])).join(' and ');
  const [confirmed, outstanding] = [named(true), named(false)];
  if (outstanding === '') return 'Every backend has confirmed.';
  const rest = confirmed === '' ? '' : `; ${confirmed} ${confirmed.includes(' and ') ? 'have' : 'has'} confirmed`;
  return `It waits for ${outstanding} to confirm its registration${rest}.`;
}

function ackWords({ round, rounds, ack_deadline }: Registration, now: number): string {
  const of = rounds === null ? `round ${round}` : `round ${round} of ${rounds}`;
  if (ack_deadline === null) return `It waits for the node's acknowledgement: ${of}.`;
  const left = Date.parse(ack_deadline) - now;
  const time = left > 0 ? `${secondsLeft(left)} left` : 'the time is over, and is being looked at';
  return `It waits for the node's acknowledgement: ${of}, ${time} (until ${clockSeconds(ack_deadline)}).`;
}

function leaseWords(lease: Lease | null, { liveness }: CompiledContract, now: number): string {
  if (lease === null) return 'It is registered; how long its lease lasts is not known.';
  const { deadline, last_heartbeat_at, held } = lease;
  const beat = last_heartbeat_at === null ? 'no heartbeat yet' : `last heartbeat ${since(last_heartbeat_at, now)} ago`;
  const left = Date.parse(deadline) - now;
  if (left > 0) return `It is registered and alive: ${beat}, its lease lasts ${secondsLeft(left)} more.`;
  const silent = `It is silent: ${beat}, and its lease ran out ${duration(-left)} ago`;
  if (held !== null) return `${silent}.`;
  const grace = left + liveness.grace_seconds * 1_000;
  const expiry =
    grace > 0 ? `it expires in ${secondsLeft(grace)} unless a heartbeat arrives` : 'its expiry is being looked at';
  return `${silent}; ${expiry}.`;
}

/** What Temporal tries again and again: which try, the backend's own words, when again. */
function tryWords(
  { activity, attempt, limit, failure, next_at }: PendingActivity,
  contract: CompiledContract,
  now: number,
): string {
  const backend = Object.values(contract.effects).find((route) => route.activity === activity)?.backend;
  const what = backend === undefined ? activity : `${activity} (${titleOf(backend)})`;
  const of = limit === null ? '' : ` of ${limit}`;
  if (failure === null) return `${what} is under way: try ${attempt}${of}.`;
  const times = attempt === 2 ? 'once' : `${attempt - 1} times`;
  const next = next_at === null ? 'is under way' : `comes in ${secondsLeft(next_at - now)}`;
  return `${what} has failed ${times}, and try ${attempt}${of} ${next}; the last error was: ${shown(failure)}`;
}

/** The reason that stands in the node's state, where no backend's words say more. */
function lastRefusal(
  { reason, refresh_refused, state }: Registration,
  pending: readonly PendingActivity[],
  contract: CompiledContract,
): string[] {
  const failing = pending.some(({ failure }) => failure !== null);
  const hidden = livesByLease(state, contract) && contract.orchestrator.states[state ?? '']?.discoverable === false;
  const what = hidden ? 'Others do not find it' : 'The last error was';
  return [
    ...(reason === null || failing ? [] : [`${what}: ${shown(reason)}`]),
    ...(refresh_refused === null ? [] : [`Its newest data are refused: ${shown(refresh_refused)}`]),
  ];
}
