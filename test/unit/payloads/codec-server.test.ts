import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveCodec, type CodecServer } from '../../../src/payloads/codec-server.js';
import { Encryption } from '../../../src/payloads/encryption.js';

const codec = new Encryption({ current: 'a', keys: new Map([['a', randomBytes(32)]]) });
let server: CodecServer;
beforeAll(async () => {
  server = await serveCodec({ codec, host: '127.0.0.1', port: 0, origins: ['https://temporal.example'] });
});
afterAll(() => server.close());

const json = ({ metadata, data }: Payload): unknown => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
  ),
  data: Buffer.from(data ?? '').toString('base64'),
});
const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

it('decodes what a worker has encrypted', async () => {
  const [encrypted] = await codec.encode([defaultPayloadConverter.toPayload({ node_id: 'n' })]);
  const response = await post('/decode', { payloads: [json(encrypted ?? expect.fail())] });
  const { payloads } = (await response.json()) as { payloads: [{ data: string }] };
  expect(JSON.parse(Buffer.from(payloads[0].data, 'base64').toString())).toEqual({ node_id: 'n' });
});

it('encodes what a person types, so that a worker reads it', async () => {
  const response = await post('/encode', { payloads: [json(defaultPayloadConverter.toPayload('typed'))] });
  const { payloads } = (await response.json()) as { payloads: [{ metadata: Record<string, string>; data: string }] };
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64');
  const metadata: Record<string, Uint8Array> = Object.fromEntries(
    Object.entries(payloads[0].metadata).map(([name, text]): [string, Uint8Array] => [name, bytes(text)]),
  );
  const [decoded] = await codec.decode([{ metadata, data: bytes(payloads[0].data) }]);
  expect(decoded && defaultPayloadConverter.fromPayload(decoded)).toBe('typed');
});

it('answers the web UI, and no other page', async () => {
  const ours = await fetch(`${server.url}/decode`, {
    method: 'OPTIONS',
    headers: { origin: 'https://temporal.example' },
  });
  expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([204, 'https://temporal.example']);
  const other = await post('/decode', { payloads: [] }, { origin: 'https://evil.example' });
  expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  expect(await other.text()).toContain('pages of https://evil.example may not ask');
});

it('says what is wrong with a request', async () => {
  const response = await post('/decode', { payloads: [{ metadata: { a: '***' } }] });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('base64');
});
