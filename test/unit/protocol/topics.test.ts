import { describe, expect, it } from 'vitest';
import { environmentName, topicName } from '../../../src/protocol/topics.js';

describe('the names of an installation', () => {
  it.each([
    [{ env: 'prod', namespace: 'eu' }, 'prod.eu', 'prod.eu.onex.evt.x.v1'],
    [{ env: 'prod', namespace: '' }, 'prod', 'prod.onex.evt.x.v1'],
    [{ env: '', namespace: 'eu' }, 'eu', 'eu.onex.evt.x.v1'],
    [{ env: '', namespace: '' }, '', 'onex.evt.x.v1'],
  ])('an empty one leaves no gap: %j', (names, environment, topic) => {
    expect(environmentName(names)).toBe(environment);
    expect(topicName('{env}.{namespace}.onex.evt.x.v1', names)).toBe(topic);
  });
});
