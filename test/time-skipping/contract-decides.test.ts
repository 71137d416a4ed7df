import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompiledContract, EffectRoute, Placement } from '../../src/contracts/compiled.js';
import { loadContracts } from '../../src/contracts/load.js';
import { laidOver } from '../unit/contracts/contract-files.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { startHarness, type Harness } from './harness.js';
import { ordinary, scheduled, type Scheduled } from './recorded.js';

/** Placement, timeouts, retries and order of a run's activities are the contract's: read from recorded histories. */

const shipped = loadContracts().compiled;
let h: Harness;
beforeAll(async () => {
  h = await startHarness();
  h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
});
afterAll(async () => {
  await h.stop();
});

const triesOf = (activity: string, node_id: string): number => h.world.tries.get(`${activity} ${node_id}`) ?? 0;

/** The shipped contract with each effect changed. */
function withEffects(change: (route: EffectRoute, index: number) => Partial<EffectRoute>): CompiledContract {
  const effects = Object.entries(shipped.effects).map(([type, route], index) => [
    type,
    { ...route, ...change(route, index) },
  ]);
  return { ...shipped, effects: Object.fromEntries(effects) as CompiledContract['effects'] };
}
const placed = (placement: Placement): CompiledContract => withEffects(() => ({ placement }));

async function introduced(contract: CompiledContract, before: (node_id: string) => void = () => undefined) {
  h.world.contract = contract;
  const introspection = await h.introspection();
  const { node_id } = introspection;
  before(node_id);
  return { node_id, introspection, handle: await h.introduce(introspection) };
}

async function active(contract: CompiledContract) {
  const node = await introduced(contract);
  await h.untilState(node.node_id, 'AWAITING_ACK');
  await h.ack(node.node_id);
  await h.untilState(node.node_id, 'ACTIVE');
  return node;
}

describe('placement', () => {
  const all = ['consul.register', 'postgres.upsert_registration', 'consul.pass', 'postgres.update_registration'];

  it.each<[string, CompiledContract, string[]]>([
    ['as shipped: those of a registration', shipped, all.slice(0, 2)],
    ['activity: every effect', placed('activity'), all],
    ['local_first: none', placed('local_first'), []],
    [
      'activity for publishing: it too',
      {
        ...placed('local_first'),
        calls: { publish_events: { ...shipped.calls.publish_events, placement: 'activity' } },
      },
      ['publish_events', 'publish_events', 'publish_events'],
    ],
  ])('decides which effects of a registration are ordinary activities: %s', async (_, contract, expected) => {
    const { node_id, handle } = await active(contract);
    expect((await ordinary(handle)).sort()).toEqual([...expected].sort());
    expect(h.world.done(node_id).sort()).toEqual([...all].sort());
  });
});

describe('timeouts and retries', () => {
  const secondsFor = (index: number) => ({
    start_to_close_seconds: 11 + index,
    retry: {
      initial_interval_seconds: 2 + index,
      backoff_coefficient: 1.5 + index,
      maximum_interval_seconds: 30 + index,
      maximum_attempts: 40 + index,
    },
  });

  it("of each effect's activity are those of its own row", async () => {
    const contract = withEffects((_, index) => ({ placement: 'activity', ...secondsFor(index) }));
    const { handle } = await active(contract);
    const expected = Object.values(contract.effects)
      .filter((_, index) => !/refresh|drain/.test(Object.keys(contract.effects)[index] ?? ''))
      .filter(({ activity }) => activity !== 'consul.deregister')
      .map(({ activity, start_to_close_seconds, retry }) => ({ activity, start_to_close_seconds, ...retry }));
    expect(sorted(await scheduled(handle))).toEqual(sorted(expected as Scheduled[]));
    expect(expected).toHaveLength(4);
  });

  it('of publishing are those of its call', async () => {
    const contract = { ...shipped, calls: { publish_events: { placement: 'activity' as const, ...secondsFor(5) } } };
    const { handle } = await active(contract);
    const { start_to_close_seconds, retry } = secondsFor(5);
    const publishes = (await scheduled(handle)).filter(({ activity }) => activity === 'publish_events');
    expect(publishes).toEqual(Array(3).fill({ activity: 'publish_events', start_to_close_seconds, ...retry }));
  });

  it('are short as shipped: a broker or backend that is back is used within 10 s', async () => {
    const { node_id, handle } = await introduced(shipped, (id) => h.world.fail(id, 'publish_events', 3));
    await h.sleep(5);
    await h.untilState(node_id, 'AWAITING_ACK');
    for (const { activity, ...options } of await scheduled(handle))
      expect(options, activity).toEqual({
        start_to_close_seconds: 10,
        initial_interval_seconds: 1,
        backoff_coefficient: 2,
        maximum_interval_seconds: 10,
        maximum_attempts: 0,
      });
    expect(await ordinary(handle)).toContain('publish_events');
  });

  function sorted(rows: readonly Scheduled[]): Scheduled[] {
    return [...rows].sort((one, other) => one.activity.localeCompare(other.activity));
  }
});

describe('local tries', () => {
  it.each([
    ['two as shipped', shipped],
    ['four where the contract says so', { ...shipped, local_tries: { ...shipped.local_tries, maximum_attempts: 4 } }],
  ])('%s, then an ordinary activity goes on', async (_, contract) => {
    let release = (): void => undefined;
    const { node_id, handle } = await introduced(contract, (id) => (release = h.world.hold('publish_events', id)));
    await h.until(node_id, 'held in flight', () => h.world.inFlight.has(`publish_events ${node_id}`));
    // Those that failed locally, and the ordinary one that is in flight.
    expect(triesOf('publish_events', node_id)).toBe(contract.local_tries.maximum_attempts + 1);
    expect(await ordinary(handle)).toEqual(['publish_events']);
    release();
    await h.untilState(node_id, 'AWAITING_ACK');
  });
});

describe('with execution_mode sequential, an effect comes after the one before it', () => {
  const sequential = (contract: CompiledContract): CompiledContract => ({ ...contract, execution_mode: 'sequential' });

  it.each<Placement>(['activity', 'local_first'])('has confirmed, with placement %s', async (placement) => {
    let release = (): void => undefined;
    const { node_id } = await introduced(
      sequential(placed(placement)),
      (id) => (release = h.world.hold('consul.register', id)),
    );
    await h.until(node_id, 'held in flight', () => h.world.inFlight.has(`consul.register ${node_id}`));
    expect(triesOf('postgres.upsert_registration', node_id)).toBe(0);
    release();
    await h.untilState(node_id, 'AWAITING_ACK');
    expect(h.world.done(node_id)).toEqual(['consul.register', 'postgres.upsert_registration']);
  });

  it.each<Placement>(['activity', 'local_first'])(
    'not at all when that is refused, with placement %s',
    async (placement) => {
      // Locally a refusal counts as a try: the ordinary activity is refused for good.
      const refusals = placement === 'activity' ? 1 : shipped.local_tries.maximum_attempts + 1;
      const { node_id, handle } = await introduced(sequential(placed(placement)), (id) =>
        h.world.fail(id, 'consul.register', refusals, 'permission denied', 'BackendRefused'),
      );
      expect(await handle.result()).toMatchObject({ state: 'REJECTED', reason: 'consul: permission denied' });
      expect(triesOf('postgres.upsert_registration', node_id)).toBe(0);
    },
  );
});

describe('a reducer whose reset leads nowhere', () => {
  it("makes an operator's retry refused, in words", async () => {
    const never = laidOver({
      reducer: `state_machine:
  transitions:
    - { from_state: "failed", to_state: "idle", trigger: "reset", conditions: [{ expression: "node_id == nobody" }] }
`,
    }).compiled;
    const refused = (id: string): void => h.world.fail(id, 'consul.register', 1, 'permission denied', 'BackendRefused');
    const { node_id, handle } = await introduced(never, refused);
    expect(await handle.result()).toMatchObject({ state: 'REJECTED' });
    await expect(h.retry(node_id)).rejects.toMatchObject({
      cause: {
        type: 'CommandRefused',
        message: 'ignored a retry: the reducer\'s contract has no transition on reset from "failed"',
      },
    });
    // As shipped, the same node's retry begins an attempt.
    h.world.contract = shipped;
    expect(await h.retry(node_id)).toBe(2);
    await h.untilState(node_id, 'AWAITING_ACK');
  });
});
