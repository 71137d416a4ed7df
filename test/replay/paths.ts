import { WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { derivedId } from '../../src/protocol/ids.js';
import type { Introspection, Reason } from '../../src/protocol/introspection.js';
import { plusSeconds } from '../../workflows/core/time.js';
import {
  COMMAND_UPDATE,
  DRAIN,
  EVICT,
  RETRY,
  UNDRAIN,
  workflowId,
  WORKFLOW_TYPE,
  type CommandRequest,
} from '../../workflows/messages.js';
import type { registration } from '../../workflows/registration.js';
import type { Harness } from '../time-skipping/harness.js';

/** The run whose history is to be kept. */
type Recorded = Pick<WorkflowHandle, 'fetchHistory'>;
type Path = (h: Harness, node_id: string) => Promise<Recorded>;

/** Ids depend on the path alone: recording anew changes no more of a history than what has changed. */
const id = (...of: (string | number)[]): string => derivedId('recorded', ...of);

async function introspectionOf(h: Harness, node_id: string): Promise<Introspection> {
  return h.introspection({
    node_id,
    message_id: id(node_id, 'introspection'),
    correlation_id: id(node_id, 'correlation'),
  });
}

async function next(
  h: Harness,
  before: Introspection,
  reason: Reason,
  changes: Partial<Introspection> = {},
): Promise<Introspection> {
  const { node_id } = before;
  const now = await h.world.now();
  const at = now > before.at ? now : plusSeconds(before.at, 1);
  return {
    ...before,
    message_id: id(node_id, reason, 'again'),
    correlation_id: id(node_id, reason, 'new'),
    reason,
    at,
    ...changes,
  };
}

async function awaitingAck(h: Harness, node_id: string) {
  const introspection = await introspectionOf(h, node_id);
  const handle = await h.introduce(introspection);
  await h.untilState(node_id, 'AWAITING_ACK');
  return { introspection, handle };
}

async function active(h: Harness, node_id: string) {
  const node = await awaitingAck(h, node_id);
  await h.ack(node_id, { message_id: id(node_id, 'ack') });
  await h.untilState(node_id, 'ACTIVE');
  return node;
}

/** In flight for as long as the test wants it: Consul is away. */
async function halfRegistered(h: Harness, node_id: string) {
  h.world.fail(node_id, 'consul.register', 1000);
  const introspection = await introspectionOf(h, node_id);
  const handle = await h.introduce(introspection);
  await h.until(node_id, 'partial', (status) => status.registration?.reducer.status === 'partial');
  h.world.fail(node_id, 'consul.register', 0);
  return { introspection, handle };
}

/** An active node whose worker has got another contract, after the next look at its lease. */
async function continued(h: Harness, node_id: string) {
  const { handle } = await active(h, node_id);
  const first = await handle.describe();
  h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
  h.world.contract = { ...h.world.contract, version: `${h.world.contract.version}.next` };
  await h.sleep(10_801);
  await h.until(
    node_id,
    'under the next contract',
    ({ contract_version }) => contract_version === h.world.contract.version,
  );
  h.world.lease = () => ({ outcome: 'expired', last_heartbeat_at: null });
  return { before: h.env.client.workflow.getHandle(workflowId(node_id), first.runId), after: handle };
}

/** Each path of a node's life of which a history is kept, by the name of its file. */
export const PATHS: Readonly<Record<string, Path>> = {
  'happy-path': async (h, node_id) => (await active(h, node_id)).handle,

  'ack-in-a-later-round': async (h, node_id) => {
    const { handle } = await awaitingAck(h, node_id);
    await h.sleep(31);
    await h.until(
      node_id,
      'in round 2',
      ({ registration: node }) => node?.round === 2 && node.state === 'AWAITING_ACK',
    );
    await h.ack(node_id, { message_id: id(node_id, 'ack') });
    await h.untilState(node_id, 'ACTIVE');
    return handle;
  },

  'last-ack-timed-out': async (h, node_id) => ended((await awaitingAck(h, node_id)).handle),

  'rejected-by-a-refusing-backend': async (h, node_id) => {
    const message = 'permission denied for table node_registrations';
    h.world.fail(node_id, 'postgres.upsert_registration', 1, message, 'BackendRefused');
    return ended(await h.introduce(await introspectionOf(h, node_id)));
  },

  'backend-away-for-a-while': async (h, node_id) => {
    h.world.fail(node_id, 'consul.register', 3);
    const handle = await h.introduce(await introspectionOf(h, node_id));
    await h.sleep(20);
    await h.untilState(node_id, 'AWAITING_ACK');
    return handle;
  },

  'drained-taken-back-and-evicted': async (h, node_id) => {
    const { handle } = await active(h, node_id);
    const asked = { payload: { asked_by: { who: 'ada', why: 'a new disk' } } };
    await h.command(node_id, { ...DRAIN, ...asked });
    await h.untilState(node_id, 'DRAINING');
    await h.command(node_id, { ...UNDRAIN, ...asked });
    await h.untilState(node_id, 'ACTIVE');
    await h.request(node_id, true, { message_id: id(node_id, 'drain'), reason: 'too hot' });
    await h.untilState(node_id, 'DRAINING');
    await h.command(node_id, { ...EVICT, ...asked });
    return ended(handle);
  },

  'superseded-while-in-flight': async (h, node_id) => {
    const { introspection, handle } = await halfRegistered(h, node_id);
    await h.introduce(await next(h, introspection, 'startup'));
    await h.untilState(node_id, 'AWAITING_ACK');
    return handle;
  },

  expired: async (h, node_id) => ended((await active(h, node_id)).handle),

  'found-by-the-sweep': async (h, node_id) => {
    await active(h, node_id);
    return ended(await h.suspect(node_id));
  },

  'adopted-by-the-sweep': async (h, node_id) => {
    const { handle } = await active(h, node_id);
    await handle.terminate('the run is lost');
    return ended(await h.suspect(node_id));
  },

  left: async (h, node_id) => {
    const { introspection, handle } = await active(h, node_id);
    await h.introduce(await next(h, introspection, 'shutdown'));
    return ended(handle);
  },

  'left-while-in-flight': async (h, node_id) => {
    const { introspection, handle } = await halfRegistered(h, node_id);
    await h.introduce(await next(h, introspection, 'shutdown'));
    return ended(handle);
  },

  refreshed: async (h, node_id) => {
    const { introspection, handle } = await active(h, node_id);
    await h.introduce(await next(h, introspection, 'capability_change', { capabilities: ['batch'] }));
    await h.until(
      node_id,
      'refreshed',
      ({ registration: node }) => node?.refresh_due === false && h.world.done(node_id).length === 6,
    );
    return handle;
  },

  fenced: async (h, node_id) => {
    h.world.fence(node_id, 'consul.register', 7);
    return (await active(h, node_id)).handle;
  },

  'fallback-to-an-ordinary-activity': async (h, node_id) => {
    h.world.fail(node_id, 'open_attempt', 4);
    h.world.fail(node_id, 'publish_events', 4);
    const introspection = await introspectionOf(h, node_id);
    const handle = await h.introduce(introspection);
    await h.sleep(15);
    await h.untilState(node_id, 'AWAITING_ACK');
    h.world.fail(node_id, 'postgres.update_registration', 4);
    await h.ack(node_id, { message_id: id(node_id, 'ack') });
    await h.until(node_id, 'on its way', ({ registration: node }) => node?.entering?.state === 'ACTIVE');
    await h.sleep(20);
    await h.untilState(node_id, 'ACTIVE');
    return handle;
  },

  'retry-by-an-operator': async (h, node_id) => {
    const { handle } = await awaitingAck(h, node_id);
    await ended(handle);
    await h.env.client.workflow.executeUpdateWithStart<typeof registration, number, [CommandRequest]>(COMMAND_UPDATE, {
      args: [RETRY],
      startWorkflowOperation: new WithStartWorkflowOperation(WORKFLOW_TYPE, {
        workflowId: workflowId(node_id),
        taskQueue: 'registration',
        args: [{ node_id }],
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    });
    await h.untilState(node_id, 'AWAITING_ACK');
    return handle;
  },

  'late-repeat-after-the-end': async (h, node_id) => {
    const { introspection, handle } = await active(h, node_id);
    await ended(handle);
    return ended(await h.introduce({ ...introspection, message_id: id(node_id, 'late') }));
  },

  'until-continue-as-new': async (h, node_id) => (await continued(h, node_id)).before,

  'from-continue-as-new': async (h, node_id) => {
    const { after } = await continued(h, node_id);
    // It goes on: the lease is over at the next look.
    return ended(after);
  },
};

async function ended<Handle extends Pick<WorkflowHandle, 'result' | 'fetchHistory'>>(handle: Handle): Promise<Handle> {
  await handle.result();
  return handle;
}
