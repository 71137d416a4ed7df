import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALL_RULES, check, type Rule } from '../../chaos/checker/check.js';
import type { LogRecord, Snapshot } from '../../chaos/checker/snapshot.js';
import { ack, at, beat, drainRequest, event, goodLives, introspection, write } from './lives.js';

type Doctoring = (good: Snapshot) => Partial<Snapshot>;

const without = (good: Snapshot, topic: string, node: string): LogRecord[] =>
  good.records.filter((record) => !(record.topic.includes(topic) && record.key === node));
const plus = (good: Snapshot, ...records: LogRecord[]): Pick<Snapshot, 'records'> => ({
  records: [...good.records, ...records],
});
/** One node's entry of a store, changed. */
function changed<T extends { readonly node_id: string | null }>(
  all: readonly T[],
  node: string,
  change: Partial<T>,
): T[] {
  return all.map((one) => (one.node_id === node ? { ...one, ...change } : one));
}
const absent = <T extends { readonly node_id: string | null }>(all: readonly T[], node: string): T[] =>
  all.filter(({ node_id }) => node_id !== node);

/** Each rule, and logs that break it. */
const DOCTORED: Readonly<Record<Rule, Readonly<Record<string, readonly [Doctoring, RegExp]>>>> = {
  'an incarnation ends ACTIVE, DRAINING or in a named end': {
    'a node stays PENDING': [
      ({ rows }) => ({ rows: changed(rows, 'living', { state: 'PENDING_REGISTRATION' }) }),
      /living: rests in PENDING_REGISTRATION/,
    ],
    'the registry never knew it': [({ rows }) => ({ rows: absent(rows, 'refused') }), /refused: .* does not know it/],
    'a newer startup was forgotten': [
      (good) => plus(good, introspection('living', 60, 'l2')),
      /living: its newest incarnation is l2, the registry's is l1/,
    ],
    'it ended without a reason': [
      ({ rows }) => ({ rows: changed(rows, 'left', { reason: null }) }),
      /left: ended in DEREGISTERED without a reason/,
    ],
    'it ended in a state that is no end': [
      ({ rows }) => ({ rows: changed(rows, 'left', { state: 'ACTIVE' }) }),
      /left: ended in ACTIVE, which is no named end/,
    ],
    'a goodbye was passed over': [
      (good) => plus(good, introspection('living', 60, 'l1', 'shutdown')),
      /living: has said goodbye, and is ACTIVE/,
    ],
  },
  'who lives is ACTIVE or DRAINING': {
    'a living node has ended': [
      ({ load }) => ({ load: [...load, { at: at(30.5), node_id: 'dead', did: 'lives' }] }),
      /dead: lives, and is LIVENESS_EXPIRED \(no heartbeat\)/,
    ],
    'a living node is unknown': [
      ({ rows }) => ({ rows: absent(rows, 'living') }),
      /living: lives, and is unknown to the registry/,
    ],
  },
  'the stores agree': {
    'Consul lost an ACTIVE node': [({ catalog }) => ({ catalog: absent(catalog, 'living') }), /and not in Consul/],
    'Consul shows it critical': [
      ({ catalog }) => ({ catalog: changed(catalog, 'living', { status: 'critical' }) }),
      /check: passing by the registry, critical in Consul/,
    ],
    'Consul shows a draining node to others': [
      ({ catalog }) => ({ catalog: changed(catalog, 'drains', { status: 'passing' }) }),
      /check: critical by the registry, passing in Consul/,
    ],
    'the run does not know that it drains': [
      ({ runs }) => ({ runs: changed(runs, 'drains', { state: 'ACTIVE' }) }),
      /is DRAINING in the registry, and ACTIVE in Temporal/,
    ],
    'Consul has an older attempt': [
      ({ catalog }) => ({ catalog: changed(catalog, 'restarted', { attempt: 1 }) }),
      /attempt: 2 by the registry, 1 in Consul/,
    ],
    'Consul has another address': [
      ({ catalog }) => ({ catalog: changed(catalog, 'living', { port: 81 }) }),
      /address: 10.0.0.1:8080 by the registry, 10.0.0.1:81 in Consul/,
    ],
    'Consul lacks a capability': [
      ({ catalog }) => ({ catalog: changed(catalog, 'living', { tags: [] }) }),
      /capability storage of the registry is missing in Consul/,
    ],
    'the run is gone': [({ runs }) => ({ runs: absent(runs, 'living') }), /no run is open/],
    'the run has completed': [
      ({ runs }) => ({ runs: changed(runs, 'living', { status: 'COMPLETED', closed_at: at(90) }) }),
      /living: is ACTIVE in the registry, and no run is open/,
    ],
    'the run is in another state': [
      ({ runs }) => ({ runs: changed(runs, 'living', { state: 'PENDING_REGISTRATION' }) }),
      /and PENDING_REGISTRATION in Temporal/,
    ],
    'the lease is gone': [({ leases }) => ({ leases: absent(leases, 'living') }), /has no lease/],
    'the lease is of an older attempt': [
      ({ leases }) => ({ leases: changed(leases, 'restarted', { attempt: 1 }) }),
      /its lease is of attempt 1/,
    ],
    'the lease has expired': [
      ({ leases }) => ({ leases: changed(leases, 'living', { expired_at: at(90) }) }),
      /its lease has expired/,
    ],
    'the newest data never arrived': [
      (good) => plus(good, introspection('living', 60, 'l1', 'capability_change', 7)),
      /its newest version is 1.0.7, the registry has 1.0.0/,
    ],
    'a run of an ended node is open': [
      ({ runs }) => ({ runs: changed(runs, 'left', { status: 'RUNNING', closed_at: null }) }),
      /is DEREGISTERED in the registry, and run .* is open/,
    ],
    'an ended node is still in Consul': [
      ({ catalog }) => ({ catalog: [...catalog, ...changed(catalog.slice(0, 1), 'living', { node_id: 'left' })] }),
      /left: is DEREGISTERED in the registry, and passing in Consul/,
    ],
    'an ended node still has a lease': [
      ({ leases }) => ({ leases: [...leases, ...changed(leases.slice(0, 1), 'living', { node_id: 'left' })] }),
      /left: is DEREGISTERED in the registry, and has a lease/,
    ],
  },
  'no lower attempt overwrites a higher one': {
    'in the registry': [
      ({ writes }) => ({ writes: [...writes, write('restarted', 60, 1, 'ACTIVE')] }),
      /attempt 1 \(ACTIVE\) was written over attempt 2/,
    ],
    'among what was published': [
      (good) => plus(good, event('NodeBecameActive', 'restarted', 60, { correlation: 'r1', id: 'late' })),
      /NodeBecameActive of attempt 1 came at .* after one of attempt 2/,
    ],
    'in the end': [
      ({ rows }) => ({ rows: changed(rows, 'restarted', { attempt: 1 }) }),
      /attempt 2 was published, and the registry holds attempt 1/,
    ],
  },
  'at most one open run': {
    'two at one time': [
      ({ runs }) => ({ runs: [...runs, ...runs.slice(0, 1).map((run) => ({ ...run, run_id: 'second' }))] }),
      /living: run second began at .*, while run of living was open/,
    ],
    'a second one under another workflow id': [
      ({ runs }) => ({
        runs: [
          ...runs,
          ...runs.slice(0, 1).map((run) => ({ ...run, run_id: 'second', workflow_id: 'registration/LIVING' })),
        ],
      }),
      /living: run second began/,
    ],
  },
  'each event at least once': {
    ...Object.fromEntries(
      ['registration-initiated', 'registration-accepted', 'ack-received', 'became-active'].map((topic) => [
        `an ACTIVE node without ${topic}`,
        [
          (good: Snapshot) => ({ records: without(good, topic, 'living') }),
          /living: .* of attempt 1 was never published/,
        ],
      ]),
    ),
    'a draining node without its event': [
      (good) => ({ records: without(good, 'node-draining', 'drains') }),
      /drains: NodeDraining of attempt 1 was never published/,
    ],
    'a dead node without its expiry': [
      (good) => ({ records: without(good, 'liveness-expired', 'dead') }),
      /dead: NodeLivenessExpired of attempt 1 was never published/,
    ],
    'a node that left without an event': [
      (good) => ({ records: without(good, 'deregistered', 'left') }),
      /left: NodeDeregistered of attempt 1 was never published/,
    ],
    'a refused node without a rejection': [
      (good) => ({ records: without(good, 'rejected', 'refused') }),
      /refused: NodeRegistrationRejected of attempt 1 was never published/,
    ],
    'a missing ack round': [
      ({ records }) => ({
        records: records.filter(({ value }) => !(value ?? '').includes('NodeRegistrationAccepted/deaf/1/2')),
      }),
      /deaf: NodeRegistrationAccepted of attempt 1, round 2 of 2, was never published/,
    ],
    'an end of an older attempt': [
      ({ writes }) => ({ writes: [...writes, write('restarted', 15, 1, 'LIVENESS_EXPIRED', true)] }),
      /restarted: NodeLivenessExpired of attempt 1 was never published/,
    ],
  },
  'a repeat has the same id': {
    'a repeat with an id of its own': [
      (good) => plus(good, event('NodeBecameActive', 'living', 4, { correlation: 'l1', id: 'another' })),
      /NodeBecameActive of attempt 1 \(l1\) has 2 ids/,
    ],
    'a second drain under the id of the first': [
      ({ records }) => ({
        records: records.map((one) => ({
          ...one,
          value: one.value?.replace('asked for by drains at 40', 'asked for by drains at 20') ?? null,
        })),
      }),
      /id asked for by drains at 20 stands for .*12:00:20.000 and .*12:00:40.000/,
    ],
    'a repeated drain with an id of its own': [
      (good) =>
        plus(
          good,
          event('NodeDraining', 'drains', 60, {
            correlation: 'f1',
            id: 'another',
            payload: { causation_id: 'request of drains at 40' },
          }),
        ),
      /NodeDraining of attempt 1 \(f1\), asked for at 12:00:40.000 has 2 ids/,
    ],
    'one id for two events': [
      (good) =>
        plus(
          good,
          event('NodeRegistrationInitiated', 'living', 4, { correlation: 'l1', id: 'NodeBecameActive/living/1/' }),
        ),
      /id NodeBecameActive\/living\/1\/ stands for/,
    ],
    'two ends of one attempt': [
      (good) => plus(good, event('NodeRegistrationRejected', 'dead', 45, { correlation: 'd1' })),
      /dead: attempt 1 has 2 ends/,
    ],
  },
  'accepted after both confirmations': {
    ...Object.fromEntries(
      ['consul.register', 'postgres.upsert_registration'].flatMap((backend) => [
        [
          `${backend} never confirmed`,
          [
            ({ runs }: Snapshot) => ({
              runs: runs.map((run) => ({
                ...run,
                confirmations: run.confirmations.filter(({ effect }) => effect !== backend),
              })),
            }),
            new RegExp(`living: attempt 1 was accepted at .* before ${backend} was done`),
          ] as const,
        ],
        [
          `${backend} confirmed later`,
          [
            ({ runs }: Snapshot) => ({
              runs: runs.map((run) => ({
                ...run,
                confirmations: run.confirmations.map((one) => (one.effect === backend ? { ...one, at: at(2.2) } : one)),
              })),
            }),
            new RegExp(`living: attempt 1 was accepted at .* before ${backend} was done`),
          ] as const,
        ],
      ]),
    ),
  },
  'active after its ack': {
    'no ack': [
      (good) => ({ records: without(good, 'registration-acked', 'living') }),
      /living: attempt 1 became active .* without/,
    ],
    'an ack of another attempt': [
      (good) => ({ records: [...without(good, 'registration-acked', 'living'), ack('living', 2.5, 'l0')] }),
      /living: attempt 1 became active/,
    ],
    'an ack after its deadline': [
      ({ records }) => ({
        records: records
          .filter(({ key, topic }) => !(key === 'living' && /acked|became-active/.test(topic)))
          .concat(ack('living', 11, 'l1'), event('NodeBecameActive', 'living', 12, { correlation: 'l1' })),
      }),
      /living: attempt 1 became active/,
    ],
    'an ack before it was accepted': [
      (good) => ({ records: [...without(good, 'registration-acked', 'living'), ack('living', 1.5, 'l1')] }),
      /living: attempt 1 became active/,
    ],
  },
  'who asks to drain is DRAINING': {
    'a request was lost': [
      (good) => plus(good, drainRequest('living', 60, 'l1')),
      /living: asked at 12:01:00.000 to be DRAINING, and is ACTIVE/,
    ],
    'it asked to be found again': [
      (good) => plus(good, drainRequest('drains', 60, 'f1', false)),
      /drains: asked at 12:01:00.000 to be ACTIVE, and is DRAINING/,
    ],
    'it never asked': [
      (good) => ({ records: without(good, 'drain-requested', 'drains') }),
      /drains: is DRAINING, and has not asked for it in attempt 1/,
    ],
  },
  'draining after its request': {
    'before it': [
      (good) =>
        plus(good, event('NodeDraining', 'living', 50, { correlation: 'l1' }), drainRequest('living', 60, 'l1')),
      /living: attempt 1 drained at 12:00:50.000 without/,
    ],
    'by a request of another attempt': [
      (good) =>
        plus(
          good,
          drainRequest('restarted', 10, 'r1'),
          event('NodeDraining', 'restarted', 50, { correlation: 'r2', attempt: 2 }),
        ),
      /restarted: attempt 2 drained at 12:00:50.000 without/,
    ],
  },
  'a node knows whether it drains': {
    'it has not read that it drains': [
      ({ standing }) => ({ standing: changed(standing, 'drains', { state: 'active' }) }),
      /drains: is DRAINING, and takes itself to be active/,
    ],
    'it has not read that it is found again': [
      ({ standing }) => ({ standing: changed(standing, 'living', { state: 'draining' }) }),
      /living: is ACTIVE, and takes itself to be draining/,
    ],
    'it has not read that it is registered': [
      ({ standing }) => ({ standing: changed(standing, 'living', { state: 'introducing' }) }),
      /living: is ACTIVE, and takes itself to be introducing/,
    ],
  },
  'nothing after an end': {
    'active after it has expired': [
      (good) => plus(good, event('NodeBecameActive', 'dead', 50, { correlation: 'd1', id: 'late' })),
      /dead: NodeBecameActive of attempt 1 came at .* after its NodeLivenessExpired/,
    ],
    'an ended row is written as ACTIVE': [
      ({ writes }) => ({ writes: [...writes, write('left', 60, 1, 'ACTIVE')] }),
      /left: attempt 1 was written as ACTIVE at .*, after DEREGISTERED/,
    ],
  },
  'who acknowledged in time becomes ACTIVE': {
    'an ack was lost': [
      (good) => plus(good, ack('deaf', 3, 's1')),
      /deaf: attempt 1 was acknowledged in time, at 12:00:03.000, and never became active/,
    ],
    'an ack in the second round was lost': [
      (good) => plus(good, ack('deaf', 13, 's1')),
      /deaf: attempt 1 was acknowledged in time/,
    ],
  },
  'nobody expires falsely': {
    'a heartbeat was in the log': [
      (good) => plus(good, beat('dead', 35)),
      /dead: .* after its heartbeat of 12:00:29.000 it beat at 12:00:35/,
    ],
    'too soon after the last heartbeat': [
      ({ records }) => ({
        records: records.map((one) => (one.topic.includes('expired') ? { ...one, at: at(40) } : one)),
      }),
      /dead: attempt 1 expired at 12:00:40.000, too soon/,
    ],
    'the node lived, and its heartbeats could not be stored': [
      ({ load }) => ({ load: load.filter(({ did }) => did !== 'dies') }),
      /dead: attempt 1 expired at .*, and the node has lived since/,
    ],
    'it never was active': [
      (good) => ({
        records: [
          ...without(good, 'became-active', 'dead').filter(({ topic }) => !topic.includes('expired')),
          event('NodeLivenessExpired', 'dead', 45, { correlation: 'd1', payload: { last_heartbeat_at: null } }),
        ],
      }),
      /dead: attempt 1 expired at .* without having been active/,
    ],
  },
  'the dead are found in time': {
    'nobody found it': [
      ({ rows }) => ({ rows: changed(rows, 'dead', { state: 'ACTIVE', ended_at: null }) }),
      /dead: died at 12:00:30.000, was due at 12:00:58.000, and is ACTIVE/,
    ],
    'it was found late': [
      ({ records }) => ({
        records: records.map((one) => (one.topic.includes('expired') ? { ...one, at: at(70) } : one)),
      }),
      /died at 12:00:30.000, was due at 12:00:58.000, and was found at 12:01:10.000/,
    ],
  },
  'the workflow never fails': {
    'a run has failed': [
      ({ runs }) => ({ runs: changed(runs, 'dead', { status: 'FAILED' }) }),
      /dead: run .* has ended as FAILED/,
    ],
    'a replay decided otherwise': [
      ({ runs }) => ({
        runs: changed(runs, 'dead', { failed_tasks: [{ cause: 'NON_DETERMINISTIC_ERROR', message: 'no command' }] }),
      }),
      /dead: a workflow task .* failed: NON_DETERMINISTIC_ERROR: no command/,
    ],
  },
  'Consul holds nobody else': {
    'somebody whom the registry does not know': [
      ({ catalog }) => ({
        catalog: [...catalog, ...changed(catalog.slice(0, 1), 'living', { node_id: 'x', name: 'onex-x' })],
      }),
      /onex-x is passing in Consul, and no node of the registry/,
    ],
  },
  'no valid message becomes a dead letter': {
    'one did': [
      (good) =>
        plus(good, {
          ...introspection('living', 50, 'l1'),
          topic: 'onex.evt.node-registration-dead-letter.v1',
          headers: { reason: 'odd' },
        }),
      /a dead letter of 12:00:50.000: odd/,
    ],
  },
  'memory stays flat': {
    'a process grows for an hour': [
      () => ({
        memory: Array.from({ length: 60 }, (_, minute) => ({
          at: at(60 * minute),
          process: 'bridge',
          pid: 7,
          megabytes: 100 + 3 * minute,
        })),
      }),
      /bridge \(process 7\) grew from \d+ to \d+ MB/,
    ],
  },
};

const said = (snapshot: Snapshot): string[] =>
  check(snapshot).map(({ rule, node_id, what }) => `${rule} | ${node_id ?? ''}: ${what}`);

describe('the checker', () => {
  it('has nothing to say against lives as they should be', () => {
    expect(said(goodLives())).toEqual([]);
  });

  it('is shown logs that break each of its rules', () => {
    expect(Object.keys(DOCTORED).sort()).toEqual([...ALL_RULES].sort());
  });

  const cases = Object.entries(DOCTORED).flatMap(([rule, logs]) =>
    Object.entries(logs).map(([name, [doctor, words]]) => ({ rule, name, doctor, words })),
  );
  it.each(cases)('is red where $rule: $name', ({ rule, doctor, words }) => {
    const good = goodLives();
    const found = said({ ...good, ...doctor(good) }).filter((line) => line.startsWith(`${rule} | `));
    expect(found.map((line) => line.slice(rule.length + 3))).toEqual(
      expect.arrayContaining([expect.stringMatching(words)]),
    );
  });

  it('counts time for the dead from the end of a disturbance', () => {
    const good = goodLives();
    const late = good.records.map((one) => (one.topic.includes('expired') ? { ...one, at: at(70) } : one));
    const outage = { what: 'Kafka away', from: at(35), to: at(50) };
    expect(said({ ...good, records: late, disturbances: [outage] })).toEqual([]);
  });

  it('lets an expiry be published late of a node that had been away for long enough, and is back', () => {
    const good = goodLives();
    const records = good.records.map((one) => (one.topic.includes('expired') ? { ...one, at: at(90) } : one));
    const expiries = (backAt: number) =>
      said({
        ...good,
        records,
        load: [...good.load, { at: at(backAt), node_id: 'dead', did: 'lives' as const }],
      }).filter((line) => line.startsWith('nobody expires falsely'));
    expect(expiries(62)).toEqual([]);
    expect(expiries(35)).toEqual([expect.stringMatching(/and the node has lived since 12:00:35/)]);
  });

  it('lets an ack that was too late for a round count in the next one', () => {
    const good = goodLives();
    const active = [ack('deaf', 11.5, 's1'), event('NodeBecameActive', 'deaf', 13, { correlation: 's1' })];
    const found = said({ ...good, records: [...good.records, ...active] });
    expect(found.filter((line) => line.startsWith('active after its ack'))).toEqual([]);
  });

  it('knows that a living node whose run was terminated gets another one when there is something to do', () => {
    const good = goodLives();
    const runs = changed(good.runs, 'living', { status: 'TERMINATED', closed_at: at(90) });
    expect(said({ ...good, runs })).toEqual([]);
  });

  it('takes a repeat for a repeat, and a worker that grows while it starts for healthy', () => {
    const good = goodLives();
    const again = good.records.filter(({ topic }) => topic.includes('became-active'));
    const starting = [0, 60, 120].map((seconds) => ({
      at: at(seconds),
      process: 'worker',
      pid: 1,
      megabytes: 100 + seconds,
    }));
    expect(said({ ...good, records: [...good.records, ...again], memory: starting })).toEqual([]);
  });

  it('takes the goodbye of an older incarnation for what it is, when it comes again after a new start', () => {
    const good = goodLives();
    const between = [introspection('living', -2, 'l0'), introspection('living', -1, 'l0', 'shutdown')];
    const again = introspection('living', 60, 'l0', 'shutdown');
    const records = [...between, ...good.records, again];
    const ends = said({ ...good, records }).filter((line) => line.includes('has said goodbye'));
    expect(ends).toEqual([]);
  });

  it('knows nothing of the code that it checks', () => {
    const folder = join(import.meta.dirname, '../../chaos/checker');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(5);
    const imports = files.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/from '(\.[^']*)'/g)].map(([, path = '']) =>
        join(folder, file, '..', path),
      ),
    );
    expect(imports.filter((path) => !path.startsWith(folder))).toEqual([]);
  });
});
