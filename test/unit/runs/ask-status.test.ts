import { ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { askStatus } from '../../../src/runs/ask-status.js';

const grpc = Object.assign(new Error('14 UNAVAILABLE: no worker'), { code: 14, details: 'no worker', metadata: {} });

/** A client whose queries answer this, with the deadlines that it was given. */
function client(answer: () => Promise<unknown>) {
  const asked: { readonly id: string; readonly query: string }[] = [];
  const deadlines: number[] = [];
  const handle = (id: string) => ({
    query(query: string) {
      asked.push({ id, query });
      return answer();
    },
  });
  const withDeadline = (deadline: number, call: () => Promise<unknown>): Promise<unknown> => {
    deadlines.push(deadline);
    return call();
  };
  return { client: { workflow: { getHandle: handle }, withDeadline } as unknown as Client, asked, deadlines };
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

  it('fails with what is not Temporal’s fault', async () => {
    const { client: one } = client(() => Promise.reject(new TypeError('a mistake of ours')));
    await expect(askStatus(one, 'node-1', 1)).rejects.toThrow('a mistake of ours');
  });
});
