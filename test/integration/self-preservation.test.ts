import { afterAll, describe, expect, it } from 'vitest';
import { readRegistrarActions } from '../../src/registry/registrar-actions.js';
import { listRegistryRows } from '../../src/registry/rows/list-registry-rows.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { startFleet, type FleetProcess } from './fleet-process.js';
import { eventually, Installation } from './installation.js';

/** The rule of self-preservation is as shipped; ten lease durations are 40 s. */
const SHORT = `
liveness: { first_deadline_seconds: 6, window_seconds: 4, grace_seconds: 1, heartbeat_interval_seconds: 1 }
timers: [{ timer: "liveness", seconds: 2 }]
`;
const contractsDir = contractDirectory({ orchestrator: SHORT });

const running: Installation[] = [];
const processes: FleetProcess[] = [];
afterAll(async () => {
  for (const fleet of processes) fleet.process.kill('SIGKILL');
  await Promise.all(running.map((registrar) => registrar.stop()));
});

/** Each test has an installation of its own, and waits most of its time. */
async function installation() {
  const registrar = await Installation.start(contractsDir);
  running.push(registrar);
  const { pool, logged, config } = registrar;

  const fleetOf = async (nodes: number): Promise<FleetProcess> => {
    const fleet = await startFleet(nodes, { env: config.env, brokers: config.kafka.brokers });
    processes.push(fleet);
    return fleet;
  };
  /** `registrar …` for this installation, to its end. */
  const run = (...args: string[]) => registrar.process(...args).ends(60_000);
  const states = async (ids: readonly string[]): Promise<Readonly<Record<string, number>>> => {
    const counts: Record<string, number> = {};
    for (const { node_id, state, attempt } of await listRegistryRows(pool)) {
      if (ids.includes(node_id)) counts[`${state} ${attempt}`] = (counts[`${state} ${attempt}`] ?? 0) + 1;
    }
    return counts;
  };
  const held = async (): Promise<boolean> =>
    (await pool.query('select from liveness_brake where held_since is not null')).rowCount === 1;
  const loggedOfIt = (): string[] => logged.filter((line) => line.startsWith('self-preservation'));
  /** In order, as the page of activity shows it. */
  const kept = async (): Promise<string[]> =>
    (await readRegistrarActions(pool, 10)).map(({ part, what }) => `${part}: ${what}`).reverse();
  return { registrar, pool, fleetOf, run, states, held, loggedOfIt, kept };
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

describe.concurrent('in a fleet below the floor', () => {
  it('all may be gone at once: nothing is held', async () => {
    const { fleetOf, states, loggedOfIt } = await installation();
    const { ids, process } = await fleetOf(3);
    process.kill('SIGKILL');
    await eventually('all three have expired', 120, async () => (await states(ids))['LIVENESS_EXPIRED 1'] === 3);
    expect(loggedOfIt()).toEqual([]);
  });
});

describe.concurrent('after an outage of the bridge nobody expires', () => {
  /** Six nodes, of which three are frozen while the bridge is away. */
  async function outage() {
    const here = await installation();
    const { registrar, fleetOf } = here;
    const early = [registrar.node(), registrar.node(), registrar.node()];
    await Promise.all(early.map((node) => node.start({ timeoutMs: 60_000 })));
    const late = await fleetOf(3);
    const all = [...early.map((node) => node.node_id), ...late.ids];
    late.process.kill('SIGSTOP');
    await registrar.stopBridge();
    await pause(12);
    await registrar.startBridge();
    return { ...here, late, all };
  }

  it('who comes back within a lease duration after it: the pause after a stall covers them', async () => {
    const { late, all, states, loggedOfIt } = await outage();
    await pause(2);
    late.process.kill('SIGCONT');
    await pause(8);
    expect(await states(all)).toEqual({ 'ACTIVE 1': 6 });
    expect(loggedOfIt()).toEqual([]);
  });

  it('who comes back long after it: half of the fleet looks dead at once, and is held', async () => {
    const { late, all, states, held, loggedOfIt, kept } = await outage();
    await eventually('self-preservation holds', 120, held);
    await pause(6);
    late.process.kill('SIGCONT');
    await eventually('self-preservation has ended', 120, async () => !(await held()));
    await pause(5);
    expect(await states(all)).toEqual({ 'ACTIVE 1': 6 });
    expect(loggedOfIt()).toEqual([
      expect.stringMatching(/^self-preservation holds: 3 of 6 nodes/) as string,
      expect.stringMatching(/^self-preservation has ended by itself/) as string,
    ]);
    expect(await kept()).toEqual([
      'self-preservation: It holds: 3 of 6 nodes are gone at once, and nobody expires.',
      'self-preservation: It holds no more: enough of the nodes are back.',
    ]);

    late.process.kill('SIGTERM');
    await eventually('the three have left', 120, async () => (await states(late.ids))['DEREGISTERED 1'] === 3);
  });
});

describe.concurrent('ten nodes of thirteen killed at once', () => {
  async function killed() {
    const here = await installation();
    const living = [here.registrar.node(), here.registrar.node(), here.registrar.node()];
    await Promise.all(living.map((node) => node.start({ timeoutMs: 60_000 })));
    const { ids, process } = await here.fleetOf(10);
    return { ...here, ids, kill: () => process.kill('SIGKILL') };
  }

  it('and never seen again are held, said and shown; in the end they are gone', async () => {
    const { pool, ids, kill, run, states, held, loggedOfIt, kept } = await killed();
    kill();
    await eventually('self-preservation holds', 120, held);
    await eventually('status says why one is still active', 120, async () => {
      // Some expire before so many are gone that it holds, and may not yet be shown as expired.
      const active = await listRegistryRows(pool, { state: 'ACTIVE', limit: 100 });
      const suspect = active.find(({ node_id }) => ids.includes(node_id))?.node_id ?? expect.fail('none is held');
      const { stdout } = await run('status', suspect);
      return /self-preservation holds: \d+ of \d+ nodes look dead .* registrar self-preservation release/.test(stdout);
    });
    expect(await states(ids)).toMatchObject({ 'ACTIVE 1': expect.any(Number) as number });
    expect(await held()).toBe(true);

    // The hold lasts 40 s of the stream's own clock, which stands while a busy machine stalls the stream.
    await eventually('all ten are gone', 240, async () => (await states(ids))['LIVENESS_EXPIRED 1'] === 10);
    expect(loggedOfIt()).toEqual([
      expect.stringMatching(/^self-preservation holds: \d+ of \d+ nodes/) as string,
      expect.stringMatching(/^self-preservation is released after its longest hold/) as string,
    ]);
    expect(await kept()).toEqual([
      expect.stringMatching(/^self-preservation: It holds: \d+ of \d+ nodes are gone at once/) as string,
      expect.stringMatching(/^self-preservation: It holds no more: it has held for its longest time/) as string,
    ]);
  });

  it('are shown by the doctor and let go by an operator, who is named', async () => {
    const { ids, kill, run, states, held, loggedOfIt, kept } = await killed();
    expect((await run('self-preservation', 'release')).code).toBe(1);
    kill();
    await eventually('self-preservation holds', 120, held);
    const [doctor, shown] = await Promise.all([run('doctor', '--json'), run('self-preservation', '--json')]);
    const { checks } = JSON.parse(doctor.stdout) as {
      checks: { about: string; ok: boolean; found: string; todo: string }[];
    };
    expect(checks.find(({ about }) => about === 'liveness')).toMatchObject({
      ok: false,
      found: expect.stringMatching(
        /^holds since .*: \d+ of \d+ nodes gone at once, a share of 0\.\d+ \(of 0\.45 at most\); released by itself at the latest /,
      ) as string,
      todo: expect.stringContaining('self-preservation release') as string,
    });
    expect(doctor.code).toBe(4);
    expect(JSON.parse(shown.stdout)).toMatchObject({ held: true, share: 0.45, floor: 5, max_hold_windows: 10 });
    const released = await run('self-preservation', 'release');
    expect([released.code, released.stdout]).toEqual([0, expect.stringMatching(/^Self-preservation is released: /)]);
    await eventually('all ten are gone', 120, async () => (await states(ids))['LIVENESS_EXPIRED 1'] === 10);
    expect(loggedOfIt()).toEqual([
      expect.stringMatching(/^self-preservation holds/) as string,
      expect.stringMatching(/^self-preservation is released by operator \S+: /) as string,
    ]);
    // The release is a person's, and stands among what people did.
    expect(await kept()).toEqual([expect.stringMatching(/^self-preservation: It holds: /)]);
    expect((await run('self-preservation')).stdout).toMatch(
      /Self-preservation does not hold\.[^]*self-preservation is released by operator/,
    );
  });
});
