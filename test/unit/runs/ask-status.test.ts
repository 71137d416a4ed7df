import { ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { askStatus } from '../../../src/runs/ask-status.js';

const grpc = Object.assign(new Error('14 UNAVAILABLE: no worker'), { code: 14, details: 'no worker', metadata: {} });

/**
 * A client whose queries answer this, with the deadlines that it was given.
 *
 * @param tasks the number of the try of the workflow task that is under way at each look; null: none is
 */
function client(answer: () => Promise<unknown>, tasks: readonly (number | null)[] = []) {
  const asked: { readonly id: string; readonly query: string }[] = [];
  const deadlines: number[] = [];
  let looks = 0;
  const handle = (id: string) => ({
    describe() {
      const attempt = tasks[looks++] ?? null;
      return Promise.resolve({ raw: { pendingWorkflowTask: attempt === null ? null : { attempt } } });
    },
    query(query: string) {
      asked.push({ id, query });
      return answer();
    },
  });
  const withDeadline = (deadline: number, call: () => Promise<unknown>): Promise<unknown> => {
    deadlines.push(deadline);
    return call();
  };
  return {
    client: { workflow: { getHandle: handle }, withDeadline } as unknown as Client,
    asked,
    deadlines,
    looks: () => looks,
  };
}

describe('a node asked for its status', () => {
  it('answers what its run says, within the time that the caller gives it', async () => {
    const status = { contract_version: '1.0.0' };
    const { client: one, asked, deadlines } = client(() => Promise.resolve(status));
    const before = Date.now();
    expect(await askStatus(one, 'node-1', 2_000)).toEqual({ status, no_answer: null });
    expect(asked).toEqual([{ id: 'registration/node-1', query: 'status' }]);
    expect(deadlines[0]).toBeGreaterThanOrEqual(before + 2_000);
    expect(deadlines[0]).toBeLessThanOrEqual(Date.now() + 2_000);
  });

  it('has no status and no reason without a run', async () => {
    const gone = new WorkflowNotFoundError('not found', 'registration/node-1', undefined);
    const { client: one } = client(() => Promise.reject(gone));
    expect(await askStatus(one, 'node-1', 1)).toEqual({ status: null, no_answer: null });
  });

  it('says in the server’s words why its run gave no answer, however deep the client has wrapped them', async () => {
    const wrapped = new Error('outer', { cause: new ServiceError('Failed to query Workflow', { cause: grpc }) });
    const { client: one } = client(() => Promise.reject(wrapped));
    expect(await askStatus(one, 'node-1', 1)).toEqual({ status: null, no_answer: 'no worker' });
  });

  it('is asked between two workflow tasks: a query in one splits it, and its history may never be replayed', async () => {
    const { client: one, asked, looks } = client(() => Promise.resolve({ contract_version: '1.0.0' }), [1, 1]);
    expect((await askStatus(one, 'node-1', 2_000)).no_answer).toBeNull();
    expect({ asked: asked.length, looks: looks() }).toEqual({ asked: 1, looks: 3 });
  });

  it('says that its workflow task is under way for as long as the answer may take', async () => {
    const { client: one, asked } = client(() => Promise.reject(new Error('asked')), Array<number>(9).fill(1));
    const no_answer = 'its workflow task is still under way';
    expect(await askStatus(one, 'node-1', 120)).toEqual({ status: null, no_answer });
    expect(asked).toEqual([]);
  });

  it('says how often its workflow task has failed in a row', async () => {
    const { client: one } = client(() => Promise.reject(new Error('asked')), Array<number>(9).fill(4));
    expect((await askStatus(one, 'node-1', 120)).no_answer).toBe('its workflow task has failed 3 times in a row');
  });

  it('fails with what is not Temporal’s fault', async () => {
    const { client: one } = client(() => Promise.reject(new TypeError('a mistake of ours')));
    await expect(askStatus(one, 'node-1', 1)).rejects.toThrow('a mistake of ours');
  });
});
