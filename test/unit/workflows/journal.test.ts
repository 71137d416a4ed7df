import { describe, expect, it } from 'vitest';
import { Journal } from '../../../workflows/journal.js';

describe('the journal', () => {
  it('has what happened, oldest first, with its time', () => {
    const journal = new Journal();
    journal.note('then', 'one', 'two');
    journal.note('now', 'three');
    expect(journal.entries).toEqual([
      { at: 'then', what: 'one' },
      { at: 'then', what: 'two' },
      { at: 'now', what: 'three' },
    ]);
  });

  it('goes on with what was carried over, and leaves that as it is', () => {
    const carried = Object.freeze([{ at: 'then', what: 'before' }]);
    const journal = new Journal(carried);
    journal.note('now', 'after');
    expect(journal.entries.map(({ what }) => what)).toEqual(['before', 'after']);
  });

  it('keeps the newest 40', () => {
    const journal = new Journal();
    for (let index = 0; index < 45; index++) journal.note('now', `thing ${index}`);
    expect(journal.entries.map(({ what }) => what)).toEqual(Array.from({ length: 40 }, (_, at) => `thing ${at + 5}`));
  });
});
