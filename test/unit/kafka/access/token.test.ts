import { afterEach, expect, it, vi } from 'vitest';
import { tokensOf } from '../../../../src/kafka/access/token.js';

afterEach(() => {
  vi.restoreAllMocks();
});

it('a token endpoint that refuses at each address of its name is said to do so, and the secret is not shown', async () => {
  const refusals = ['::1', '127.0.0.1'].map((address) => new Error(`connect ECONNREFUSED ${address}:9`));
  const cause = new AggregateError(refusals);
  vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed', { cause }));
  const tokenEndpoint = 'http://localhost:9/token';
  const ask = tokensOf({ mechanism: 'OAUTHBEARER', tokenEndpoint, clientId: 'node', clientSecret: 'of-nobody' });
  await expect(ask()).rejects.toThrow(
    `the token endpoint ${tokenEndpoint} does not answer: connect ECONNREFUSED ::1:9; connect ECONNREFUSED 127.0.0.1:9`,
  );
});
