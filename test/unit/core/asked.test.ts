import { describe, expect, it } from 'vitest';
import { askedNotes } from '../../../workflows/core/asked.js';

describe('who asks for something, and why,', () => {
  it.each([
    ['ModelRegistrationReset', { who: 'ada', why: 'Consul is back' }, ['a retry was asked for by ada: Consul is back']],
    ['ModelNodeRegistrationAcked', { who: 'ada', why: null }, ['an acknowledgement was asked for by ada']],
    ['ModelNodeDrainRequested', { who: 'ada', why: null }, ['a drain was asked for by ada']],
    ['ModelNodeUndrainRequested', { who: 'ada', why: null }, ['an undrain was asked for by ada']],
    ['ModelNodeEvictionRequested', { who: 'ada', why: null }, ['an eviction was asked for by ada']],
    ['ModelOfAnother', { who: 'ada', why: '' }, ['ModelOfAnother was asked for by ada']],
    ['ModelRegistrationReset', null, []],
    ['ModelRegistrationReset', { who: 7, why: 'x' }, []],
    ['ModelRegistrationReset', { who: 'ada', why: { odd: true } }, ['a retry was asked for by ada']],
  ])('stands in the history: %s %j', (event_model, asked_by, notes) => {
    expect(askedNotes({ event_model, payload: { message_id: 'm-1', asked_by } })).toEqual(notes);
  });

  it('is nothing where a message says nothing of it', () => {
    expect(askedNotes({ event_model: 'ModelRegistrationReset', payload: { message_id: 'm-1' } })).toEqual([]);
    expect(askedNotes({ event_model: 'ModelRegistrationReset', payload: null })).toEqual([]);
  });

  it('is cut: a history has room for much else', () => {
    const asked_by = { who: 'a'.repeat(1_000), why: 'w'.repeat(10_000) };
    const [note = ''] = askedNotes({ event_model: 'ModelRegistrationReset', payload: { message_id: 'm-1', asked_by } });
    expect(note).toBe(`a retry was asked for by ${'a'.repeat(100)}: ${'w'.repeat(500)}`);
  });
});
