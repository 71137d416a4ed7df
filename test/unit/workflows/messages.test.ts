import { expect, it } from 'vitest';
import * as messages from '../../../workflows/messages.js';

it('runs are talked to by the names that older runs, clients and saved searches know', () => {
  const { SEARCH_ATTRIBUTES, RETRY, DRAIN, UNDRAIN, EVICT, workflowId, ...names } = messages;
  expect(names).toEqual({
    WORKFLOW_TYPE: 'registration',
    INTROSPECTION_SIGNAL: 'introspection',
    ACK_SIGNAL: 'ack',
    REQUEST_SIGNAL: 'request',
    SUSPECT_SIGNAL: 'suspect',
    REPAIR_SIGNAL: 'repair',
    COMMAND_UPDATE: 'command',
    COMMAND_REFUSED: 'CommandRefused',
    STATUS_QUERY: 'status',
  });
  expect(workflowId('abc-123')).toBe('registration/abc-123');
  expect(RETRY).toEqual({ event_model: 'ModelRegistrationReset' });
  expect(DRAIN).toEqual({ event_model: 'ModelNodeDrainRequested' });
  expect(UNDRAIN).toEqual({ event_model: 'ModelNodeUndrainRequested' });
  expect(EVICT).toEqual({ event_model: 'ModelNodeEvictionRequested' });
  expect(Object.values(SEARCH_ATTRIBUTES)).toEqual([
    { name: 'NodeId', type: 'KEYWORD' },
    { name: 'NodeType', type: 'KEYWORD' },
    { name: 'RegistrationState', type: 'KEYWORD' },
  ]);
});
