import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Introspection } from '../../src/protocol/introspection.js';
import { plusSeconds } from '../../workflows/core/time.js';
import { UNDRAIN } from '../../workflows/messages.js';
import { startHarness, type Harness } from './harness.js';
import { filteredBy, summaries } from './recorded.js';

/** What a person sees of a run in Temporal's web UI: summaries, current details, the journal. */

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
  h.world.lease = (_, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
});
afterAll(async () => {
  await h.stop();
});

async function active() {
  const introspection = await h.introspection();
  const { node_id } = introspection;
  const handle = await h.introduce(introspection);
  await h.untilState(node_id, 'AWAITING_ACK');
  await h.ack(node_id);
  await h.untilState(node_id, 'ACTIVE');
  return { node_id, introspection, handle };
}

/** The node's process starts again: its second attempt waits for the ack. */
async function startsAgain(introspection: Introspection, changes: Partial<Introspection> = {}): Promise<void> {
  const again = { message_id: randomUUID(), correlation_id: randomUUID(), at: plusSeconds(introspection.at, 1) };
  await h.introduce({ ...introspection, ...again, ...changes });
  await h.until(introspection.node_id, 'waiting again', ({ registration: node }) => {
    return node?.attempt === 2 && node.state === 'AWAITING_ACK' && node.entering === null;
  });
}

interface Metadata {
  readonly currentDetails: string;
}
const detailsOf = async (handle: Awaited<ReturnType<typeof active>>['handle']): Promise<string> =>
  (await handle.query<Metadata>('__temporal_workflow_metadata')).currentDetails;

describe('the summaries of a run', () => {
  it('say what each activity is for, at which target, in which registration attempt', async () => {
    const { node_id, handle } = await active();
    const service = `consul://service/onex-effect-${node_id}, registration attempt 1`;
    const row = `postgres://node_registrations/${node_id}, registration attempt 1`;
    expect((await summaries(handle)).activities).toEqual([
      'registry row of this node, and the contract',
      'publish NodeRegistrationInitiated',
      `register_node: consul.register -> ${service}`,
      `register_node: postgres.upsert_registration -> ${row}`,
      'publish NodeRegistrationAccepted',
      expect.stringMatching(/^(activate|update)_node: /),
      expect.stringMatching(/^(activate|update)_node: /),
      'publish NodeRegistrationAckReceived, NodeBecameActive',
    ]);
    expect((await summaries(handle)).activities.slice(5, 7).sort()).toEqual([
      `activate_node: consul.pass -> ${service}`,
      `update_node: postgres.update_registration -> ${row}`,
    ]);
  });

  it('say what is asked before a timer fires', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const handle = await h.introduce(introspection);
    await h.untilState(node_id, 'AWAITING_ACK');
    await h.sleep(31);
    await h.until(node_id, 'in round 2', ({ registration: node }) => node?.round === 2 && node.entering === null);
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
    await h.suspect(node_id);
    await h.until(node_id, 'verified', () => (h.world.tries.get(`verify_lease ${node_id}`) ?? 0) > 0);
    const { activities } = await summaries(handle);
    expect(activities).toContain('has the ack topic been read past the deadline?');
    expect(activities.at(-1)).toBe('has the lease expired?');
  });

  it('say of each timer what it stands for, in which round and attempt', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const handle = await h.introduce(introspection);
    await h.untilState(node_id, 'AWAITING_ACK');
    await startsAgain(introspection);
    await h.sleep(31);
    await h.until(node_id, 'in round 2', ({ registration: node }) => {
      return node?.round === 2 && node.state === 'AWAITING_ACK' && node.entering === null;
    });
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
    const { timers } = await summaries(handle);
    // A deadline may be looked at more than once: what it stands for is the same.
    const waits = timers.filter((summary) => summary !== 'the decision is in history');
    expect(waits.filter((summary, index) => summary !== waits[index - 1])).toEqual([
      'ack timeout, round 1 of 3, registration attempt 1',
      'ack timeout, round 1 of 3, registration attempt 2',
      'ack timeout, round 2 of 3, registration attempt 2',
      'lease expired, registration attempt 2',
    ]);
    expect(timers).toContain('the decision is in history');
  });
});

describe('the search attributes of a run', () => {
  it('are written where a state lasts, or the type of the node changes, and only then', async () => {
    const { node_id, introspection, handle } = await active();
    await startsAgain(introspection, { node_type: 'reducer' });
    await h.ack(node_id);
    await h.untilState(node_id, 'ACTIVE');
    expect(await filteredBy(handle)).toEqual([
      'RegistrationState: ACTIVE',
      'RegistrationState: PENDING_REGISTRATION',
      'NodeType: reducer',
      'RegistrationState: ACTIVE',
    ]);
  });
});

describe('a command that would change nothing', () => {
  it('is refused in words, and leaves nothing in history', async () => {
    const { node_id, handle } = await active();
    const undrain = { ...UNDRAIN, payload: { asked_by: { who: 'ada', why: null } } };
    await expect(h.command(node_id, undrain)).rejects.toMatchObject({
      cause: { message: 'ignored an undrain in state ACTIVE' },
    });
    const { events } = await handle.fetchHistory();
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([]);
  });
});

describe('the current details', () => {
  it('are the state, who the node is, and the newest eight things that happened, oldest first', async () => {
    const { node_id, handle } = await active();
    const { journal, registration } = await h.status(node_id);
    const lines = (await detailsOf(handle)).split(/\n+/);
    expect(lines.slice(0, 4)).toEqual([
      '**ACTIVE**',
      `effect node ${node_id}, version 1.2.3`,
      `registration attempt 1, in this state since ${registration?.since}`,
      `contract ${h.world.contract.version}`,
    ]);
    expect(journal.length).toBeGreaterThan(8);
    expect(lines.slice(4)).toEqual(journal.slice(-8).map(({ at, what }) => `- ${at} ${what}`));
  });

  it('say which backend has not confirmed yet', async () => {
    const introspection = await h.introspection();
    const { node_id } = introspection;
    const release = h.world.hold('postgres.upsert_registration', node_id);
    const handle = await h.introduce(introspection);
    await h.until(node_id, 'partial', ({ registration }) => registration?.reducer.status === 'partial');
    expect(await detailsOf(handle)).toContain(
      '**PENDING_REGISTRATION · reducer partial · consul confirmed · postgres outstanding**',
    );
    release();
    await h.untilState(node_id, 'AWAITING_ACK');
    expect(await detailsOf(handle)).toMatch(/^\*\*AWAITING_ACK · ack round 1 of 3, until \d{4}-/);
  });
});

describe('the journal', () => {
  it('has an end: the newest 40 things, however many happen', async () => {
    const { node_id, introspection } = await active();
    for (let sent = 0; sent < 60; sent++) await h.introduce({ ...introspection, message_id: randomUUID() });
    const last = {
      ...introspection,
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      reason: 'request' as const,
    };
    await h.introduce({ ...last, capabilities: ['batch'], at: plusSeconds(introspection.at, 1) });
    const { journal } = await h.until(node_id, 'refreshed', ({ journal: entries }) =>
      entries.some(({ what }) => what === 'consul.refreshed'),
    );
    expect(journal).toHaveLength(40);
    expect(journal.slice(-4).map(({ what }) => what)).toContain('the data have changed: they go to the backends');
    expect(journal[0]?.what).toBe('ignored a duplicate introspection (reason startup) in state ACTIVE');
  });
});
