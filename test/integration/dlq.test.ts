import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { readLetters, type LetterFilter } from '../../src/cli/dlq/read-letters.js';
import { isNamed } from '../../src/cli/dlq/named.js';
import { MOST_REPLAYS } from '../../src/protocol/dead-letter.js';
import { replay } from '../../src/cli/dlq/replay.js';
import { explainNode } from '../../src/cli/status/explain-node.js';
import { eventually, Installation } from './installation.js';
import { patientProducer } from './patient-producer.js';

const ANN = { who: 'ann', why: 'its sender is corrected' };

let registrar: Installation;
let topic: string;

beforeAll(async () => {
  registrar = await Installation.prepare();
  await registrar.startBridge();
  [topic] = bridgeTopics(registrar.contracts, registrar.config).introspections;
});

afterAll(async () => {
  await registrar.stop();
});

const letters = async (filter: Omit<LetterFilter, 'since'>) =>
  (await readLetters(registrar.config, registrar.contracts, { since: new Date(Date.now() - 60_000), ...filter }))
    .letters;

it('what nobody understands is listed by node, reason and topic, shown whole, and part of its node’s status', async () => {
  const node_id = `odd-${randomUUID()}`;
  const value = Buffer.from(JSON.stringify({ node_id, node_type: 'toaster' }));
  const producer = patientProducer(registrar.kafka);
  const key = Buffer.from(node_id);
  await producer.send([{ topic, key, value, headers: { message_id: 'm-1', colour: 'red' } }]);
  await producer.send([{ topic, key: null, value: Buffer.from('no JSON'), headers: {} }]);
  await producer.close();
  const [letter] = await eventually('its dead letter', 20, async () => {
    const found = await letters({ node_id });
    return found.length === 1 && found;
  });
  expect(letter).toMatchObject({ code: 'invalid_field', node_id, key, value, replays: 0, replayed: false });
  expect(Object.fromEntries(Object.entries(letter?.headers ?? {}).map(([name, of]) => [name, String(of)]))).toEqual({
    message_id: 'm-1',
    colour: 'red',
  });
  expect((await letters({ code: 'not_json', topic })).map(({ value: bytes }) => String(bytes))).toEqual(['no JSON']);
  expect(await letters({ topic: 'another' })).toEqual([]);
  for (const name of [letter?.id, 'm-1', `${topic}-${letter?.origin?.partition}-${letter?.origin?.offset}`])
    expect(letter !== undefined && name !== undefined && isNamed(letter, name)).toBe(true);

  const { report, letters: ofNode } = await explainNode(node_id, registrar.config);
  expect(report).toEqual({ source: 'dead-letters', node_id });
  expect(ofNode).toMatchObject({ more: 0, complete: true, letters: [{ id: letter?.id, code: 'invalid_field' }] });
});

it('a replay keeps bytes, key, headers and order; what fails again is another letter, and is left after three times', async () => {
  const node_id = `again-${randomUUID()}`;
  const producer = patientProducer(registrar.kafka);
  for (const step of [1, 2])
    await producer.send([
      { topic, key: node_id, value: Buffer.from(JSON.stringify({ node_id, step })), headers: { step: String(step) } },
    ]);
  await producer.close();
  const wanted = (count: number) =>
    eventually(`${count} dead letters`, 20, async () => {
      const found = await letters({ node_id });
      return found.length === count && found;
    });
  let found = await wanted(2);
  for (let round = 1; round <= MOST_REPLAYS; round += 1) {
    const result = await replay(found, registrar.config, registrar.contracts, { named: false, asked_by: ANN });
    expect(result.replayed).toHaveLength(2);
    found = await wanted(2 + 2 * round);
    const newest = found.filter(({ replays }) => replays === round);
    expect(newest.map(({ value }) => (JSON.parse(String(value)) as { step: number }).step)).toEqual([1, 2]);
    expect(newest.map(({ headers }) => String(headers['step']))).toEqual(['1', '2']);
    expect(found.filter(({ replayed }) => replayed)).toHaveLength(2 * round);
  }
  const last = await replay(found, registrar.config, registrar.contracts, { named: false, asked_by: ANN });
  expect(last.replayed).toEqual([]);
  expect(last.left.map(({ why }) => why)).toContain('replayed 3 times, and refused each time: correct what sends it');
});
