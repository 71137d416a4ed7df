import type { AuthenticationProviderArgs } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { saslOptions } from '../../../src/kafka/access/sasl.js';
import type { KafkaToken } from '../../../src/kafka/connection.js';

/** What a client sends to say who it is, without its four bytes of length. */
async function sentBy(sasl: KafkaToken): Promise<string> {
  const options = saslOptions(sasl);
  if (!('authenticationProvider' in options)) throw new Error('kafkajs has a provider of its own for this');
  let sent: Buffer = Buffer.alloc(0);
  const saslAuthenticate = async ({ request }: { request: { encode: () => Buffer } }) => {
    sent = await Promise.resolve(request.encode());
    return Buffer.alloc(4);
  };
  const args = { host: 'b', port: 9093, saslAuthenticate } as unknown as AuthenticationProviderArgs;
  await options.authenticationProvider(args).authenticate();
  expect(sent.readInt32BE()).toBe(sent.length - 4);
  return sent.subarray(4).toString();
}

describe('OAUTHBEARER', () => {
  const token = { mechanism: 'OAUTHBEARER', tokenCommand: 'echo a.b.c' } as const;

  it.each<[extensions: Record<string, string> | undefined, sent: string]>([
    [undefined, 'n,,\u0001auth=Bearer a.b.c\u0001\u0001'],
    [{}, 'n,,\u0001auth=Bearer a.b.c\u0001\u0001'],
    [
      { logicalCluster: 'lkc-1', org: 'a=b' },
      'n,,\u0001auth=Bearer a.b.c\u0001logicalCluster=lkc-1\u0001org=a=b\u0001\u0001',
    ],
  ])('with the extensions %j sends what RFC 7628 says', async (extensions, sent) => {
    expect(await sentBy({ ...token, ...(extensions !== undefined && { extensions }) })).toBe(sent);
  });
});
