import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Introspection, Reason } from '../../src/protocol/introspection.js';
import { millisBetween, plusSeconds } from '../../workflows/core/time.js';
import type { Status } from '../../workflows/details.js';
import { DRAIN } from '../../workflows/messages.js';
import type { Start, Outcome } from '../../workflows/registration.js';
import type { Harness } from './harness.js';

/**
 * Everywhere that a node can be when a message comes: each state, at rest and
 * with an activity in flight on the way into it, each end while it is being
 * recorded, and after it.
 */

const CANCEL_REQUESTED = proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED;

/** @throws Error when it does not hold within 30 s: a run that the server has lost rests for ever */
async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${what}: not within 30 s`);
}

/** Who asks for something. */
export const ADA = { who: 'ada', why: 'a new disk' } as const;

type Handle = WorkflowHandle<(start: Start) => Promise<Outcome>>;

/** A node in one of the situations. */
export class Met {
  #at: string;

  constructor(
    private readonly h: Harness,
    readonly introspection: Introspection,
    readonly handle: Handle,
    /** Lets what is in flight go on. */
    public release: () => void = () => undefined,
  ) {
    this.#at = introspection.at;
  }

  get node_id(): string {
    return this.introspection.node_id;
  }

  /** It introduces itself once more, a second after the last time. */
  async says(reason: Reason, changes: Partial<Introspection> = {}): Promise<Introspection> {
    this.#at = plusSeconds(this.#at, 1);
    const said = {
      ...this.introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason,
      at: this.#at,
      ...changes,
    };
    await this.h.introduce(said);
    return said;
  }

  /** From wherever its registration is, until it is active. */
  async becomesActive(): Promise<Status> {
    const ready = ['AWAITING_ACK', 'ACTIVE'];
    const { registration } = await this.h.until(
      this.node_id,
      'ready',
      (status) => status.registration?.entering === null && ready.includes(status.registration.state ?? ''),
    );
    if (registration?.state === 'AWAITING_ACK') await this.h.ack(this.node_id);
    return this.h.untilState(this.node_id, 'ACTIVE');
  }

  /**
   * So that it costs nothing when time is skipped for others. Terminating its run
   * would not do: with a task in progress, the server then holds time for ever.
   */
  async leaves(): Promise<void> {
    this.release();
    const over = async () => (await this.#describe()).status.name !== 'RUNNING';
    // What has just ended must not be cancelled: see docs/decisions/races-the-test-server-loses.md.
    await eventually('nothing is in flight', async () => (await this.pending()).length === 0);
    await eventually('no timer is due soon', async () => (await over()) || !(await this.#isDueSoon()));
    if (await over()) return;
    await this.says('shutdown');
    await eventually('it has left', over);
  }

  async #isDueSoon(): Promise<boolean> {
    const due = (await this.h.status(this.node_id)).registration?.timer_due ?? null;
    return due !== null && millisBetween(await this.h.world.now(), due) < 2_000;
  }

  /** Ids of the ordinary activities that the server has open for it. */
  async pending(): Promise<string[]> {
    return (await this.#activities()).map(({ activityId }) => activityId ?? '');
  }

  /**
   * The server knows that these activities are cancelled, or has forgotten them. Only then may they end: see
   * docs/decisions/races-the-test-server-loses.md.
   */
  async cancelled(ids: readonly string[]): Promise<void> {
    await eventually('they are cancelled', async () =>
      (await this.#activities()).every(
        ({ activityId, state }) => !ids.includes(activityId ?? '') || state === CANCEL_REQUESTED,
      ),
    );
  }

  async #activities() {
    return (await this.#describe()).raw.pendingActivities ?? [];
  }

  #describe() {
    return this.h.env.client.workflow.getHandle(this.handle.workflowId).describe();
  }
}

interface Situation {
  /** What is published between the first introspection and ACTIVE, if nothing else comes. */
  readonly rounds: 1 | 2;
  /** Which messages wait until what is in flight has ended: all, or all but those that supersede it. */
  readonly waiting: 'all' | 'most' | 'none';
  reach(h: Harness): Promise<Met>;
}

async function introduced(
  h: Harness,
  held?: 'open_attempt' | 'publish_events' | 'consul.register' | 'postgres.upsert_registration',
): Promise<Met> {
  // Only who is to expire does.
  h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
  const introspection = await h.introspection();
  const release = held === undefined ? undefined : h.world.hold(held, introspection.node_id);
  return new Met(h, introspection, await h.introduce(introspection), release);
}

async function awaitingAck(h: Harness): Promise<Met> {
  const met = await introduced(h);
  await h.untilState(met.node_id, 'AWAITING_ACK');
  return met;
}

/** A node that is ACTIVE, and rests. */
export async function active(h: Harness): Promise<Met> {
  const met = await awaitingAck(h);
  await h.ack(met.node_id);
  await h.untilState(met.node_id, 'ACTIVE');
  return met;
}

/** An active node that others do not find any more, by an operator's wish. */
export async function draining(h: Harness): Promise<Met> {
  const met = await active(h);
  await h.command(met.node_id, { ...DRAIN, payload: { asked_by: ADA } });
  await h.untilState(met.node_id, 'DRAINING');
  return met;
}

async function partial(h: Harness, outstanding: 'consul.register' | 'postgres.upsert_registration'): Promise<Met> {
  const met = await introduced(h, outstanding);
  await h.until(met.node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
  return met;
}

const entering = (h: Harness, { node_id }: Met, state: string, ending = false) =>
  h.until(
    node_id,
    `on the way to ${state}`,
    ({ registration }) => registration?.entering?.state === state && registration.entering.ending === ending,
  );

/** Skips time until the timer of its state is due, and no further: what is held is not to time out. */
async function timerFires(h: Harness, { node_id }: Met): Promise<void> {
  const { registration } = await h.status(node_id);
  await h.sleep(millisBetween(await h.world.now(), registration?.timer_due ?? '') / 1000 + 0.05);
}

async function expiring(h: Harness): Promise<Met> {
  const met = await active(h);
  h.world.lease = (node_id, now) =>
    node_id === met.node_id
      ? { outcome: 'expired', last_heartbeat_at: null }
      : { outcome: 'renewed', deadline: plusSeconds(now, 90) };
  return met;
}

/** Into one of the ends; what is held keeps it from being recorded. */
const ENDS = {
  async REJECTED(h: Harness, hold: (met: Met) => void): Promise<Met> {
    const met = await introduced(h, 'postgres.upsert_registration');
    hold(met);
    await h.until(met.node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    h.world.fail(met.node_id, 'postgres.upsert_registration', 1, 'permission denied', 'BackendRefused');
    met.release();
    return met;
  },
  async ACK_TIMED_OUT(h: Harness, hold: (met: Met) => void): Promise<Met> {
    const met = await awaitingAck(h);
    hold(met);
    for (const round of [2, 3]) {
      await timerFires(h, met);
      await h.until(
        met.node_id,
        `in round ${round}`,
        ({ registration }) => registration?.round === round && registration.state === 'AWAITING_ACK',
      );
    }
    await timerFires(h, met);
    return met;
  },
  async LIVENESS_EXPIRED(h: Harness, hold: (met: Met) => void): Promise<Met> {
    const met = await expiring(h);
    hold(met);
    await timerFires(h, met);
    return met;
  },
  async DEREGISTERED(h: Harness, hold: (met: Met) => void): Promise<Met> {
    const met = await active(h);
    hold(met);
    await met.says('shutdown');
    return met;
  },
};

/** While an attempt runs. */
export const RUNNING: Readonly<Record<string, Situation>> = {
  'the registry row is being read': {
    rounds: 1,
    waiting: 'all',
    async reach(h) {
      const met = await introduced(h, 'open_attempt');
      // As an ordinary activity: what is sent now is there when the answer comes. (The time-skipping server
      // takes no cancellation of an activity that has just ended, which real ones do.)
      await h.until(met.node_id, 'asking', () => (h.world.tries.get(`open_attempt ${met.node_id}`) ?? 0) > 2);
      return met;
    },
  },

  'initiated is being published': {
    rounds: 1,
    waiting: 'most',
    async reach(h) {
      const met = await introduced(h, 'publish_events');
      await entering(h, met, 'PENDING_REGISTRATION');
      return met;
    },
  },

  'PENDING_REGISTRATION, both backends in flight': {
    rounds: 1,
    waiting: 'none',
    async reach(h) {
      const met = await introduced(h, 'consul.register');
      const releaseConsul = met.release;
      // Held before it can be asked: the registry row is read first, which takes a workflow task.
      const releasePostgres = h.world.hold('postgres.upsert_registration', met.node_id);
      met.release = () => {
        releaseConsul();
        releasePostgres();
      };
      await h.until(met.node_id, 'pending', ({ registration }) => registration?.reducer.status === 'pending');
      return met;
    },
  },

  'PENDING_REGISTRATION, Consul outstanding': {
    rounds: 1,
    waiting: 'none',
    reach: (h) => partial(h, 'consul.register'),
  },
  'PENDING_REGISTRATION, PostgreSQL outstanding': {
    rounds: 1,
    waiting: 'none',
    reach: (h) => partial(h, 'postgres.upsert_registration'),
  },

  'ACCEPTED, accepted is being published': {
    rounds: 1,
    waiting: 'most',
    async reach(h) {
      const met = await partial(h, 'consul.register');
      const release = h.world.hold('publish_events', met.node_id);
      met.release();
      met.release = release;
      const { registration } = await entering(h, met, 'AWAITING_ACK');
      if (registration?.state !== 'ACCEPTED') throw new Error(`not ACCEPTED but ${registration?.state}`);
      return met;
    },
  },

  AWAITING_ACK: { rounds: 1, waiting: 'none', reach: awaitingAck },

  'AWAITING_ACK, ack-timed-out is being published': {
    rounds: 2,
    waiting: 'most',
    async reach(h) {
      const met = await awaitingAck(h);
      met.release = h.world.hold('publish_events', met.node_id);
      await timerFires(h, met);
      await entering(h, met, 'ACK_TIMED_OUT');
      return met;
    },
  },

  'AWAITING_ACK, in the second round': {
    rounds: 2,
    waiting: 'none',
    async reach(h) {
      const met = await awaitingAck(h);
      await timerFires(h, met);
      await h.until(
        met.node_id,
        'in round 2',
        ({ registration }) => registration?.round === 2 && registration.state === 'AWAITING_ACK',
      );
      return met;
    },
  },

  'ACK_RECEIVED, Consul in flight': {
    rounds: 1,
    waiting: 'none',
    async reach(h) {
      const met = await awaitingAck(h);
      met.release = h.world.hold('consul.pass', met.node_id);
      await h.ack(met.node_id);
      await entering(h, met, 'ACTIVE');
      return met;
    },
  },

  'ACK_RECEIVED, became-active is being published': {
    rounds: 1,
    waiting: 'most',
    async reach(h) {
      const met = await awaitingAck(h);
      met.release = h.world.hold('publish_events', met.node_id);
      await h.ack(met.node_id);
      await h.until(
        met.node_id,
        'publishing',
        ({ registration }) =>
          registration?.state === 'ACK_RECEIVED' && registration.entering?.steps[0]?.kind === 'publish',
      );
      return met;
    },
  },

  ACTIVE: { rounds: 1, waiting: 'none', reach: active },

  'ACTIVE, a refresh in flight': {
    rounds: 1,
    waiting: 'none',
    async reach(h) {
      const met = await active(h);
      met.release = h.world.hold('consul.register', met.node_id);
      await met.says('capability_change', { capabilities: ['refreshing'] });
      await h.until(met.node_id, 'refreshing', ({ journal }) =>
        journal.some(({ what }) => what.startsWith('the data have changed')),
      );
      return met;
    },
  },
};

export interface EndSituation {
  readonly state: keyof typeof ENDS;
  /** The run waits for a backend to take the end. */
  readonly recording: boolean;
  reach(h: Harness): Promise<Met>;
}

/** When no attempt runs: it has ended, recorded already or not yet. */
export const OVER: Readonly<Record<string, EndSituation>> = Object.fromEntries(
  (Object.keys(ENDS) as (keyof typeof ENDS)[]).flatMap((state): [string, EndSituation][] => [
    [
      `${state}, being recorded`,
      {
        state,
        recording: true,
        async reach(h) {
          let release = (): void => undefined;
          const met = await ENDS[state](
            h,
            ({ node_id }) => (release = h.world.hold('postgres.update_registration', node_id)),
          );
          met.release = release;
          await entering(h, met, state, true);
          return met;
        },
      },
    ],
    [
      state,
      {
        state,
        recording: false,
        async reach(h) {
          const met = await ENDS[state](h, () => undefined);
          await h.env.client.workflow.getHandle(met.handle.workflowId).result();
          return met;
        },
      },
    ],
  ]),
);

/** What an undisturbed registration publishes until it is active. */
export function publishedUntilActive(rounds: 1 | 2): string[] {
  const round = rounds === 1 ? [] : ['NodeRegistrationAckTimedOut', 'NodeRegistrationAccepted'];
  return [
    'NodeRegistrationInitiated',
    'NodeRegistrationAccepted',
    ...round,
    'NodeRegistrationAckReceived',
    'NodeBecameActive',
  ];
}

/** How many messages a workflow has found to be of no consequence. */
export function ignoredOf({ journal }: Status): string[] {
  return journal.filter(({ what }) => what.startsWith('ignored ')).map(({ what }) => what);
}
