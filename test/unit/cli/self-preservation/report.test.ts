import { describe, expect, it } from 'vitest';
import {
  releasedText,
  reportSelfPreservation,
  selfPreservationLine,
  selfPreservationText,
  type SelfPreservationReport,
} from '../../../../src/cli/self-preservation/report.js';
import type { Sql } from '../../../../src/registry/pool.js';

const report = (changes: Partial<SelfPreservationReport> = {}): SelfPreservationReport => ({
  topic: 'onex.evt.node-heartbeat.v1',
  held: false,
  held_since: null,
  held_seconds: null,
  held_until: null,
  suspects: 1,
  expired: 1,
  active: 9,
  changed_by: null,
  changed_at: null,
  share: 0.45,
  floor: 5,
  max_hold_windows: 10,
  share_now: 0.2,
  ...changes,
});
const HELD = {
  held: true,
  held_since: '2026-01-31T12:00:00.000Z',
  held_seconds: 5,
  held_until: '2026-01-31T12:15:00.000Z',
  suspects: 6,
  share_now: 0.7,
};

describe('self-preservation on one line', () => {
  it('says how far it is from holding', () => {
    const line = 'does not hold: 2 of 10 nodes gone at once, a share of 0.20; it holds above 0.45';
    expect(selfPreservationLine(report())).toBe(line);
  });

  it('says that a fleet is too small for it', () => {
    expect(selfPreservationLine(report({ active: 4 }))).toMatch(/, not in fleets below 5 nodes$/);
  });

  it('says since when it holds, and how long at most', () => {
    expect(selfPreservationLine(report(HELD))).toBe(
      'holds since 2026-01-31T12:00:00.000Z: 7 of 10 nodes gone at once, a share of 0.70 (of 0.45 at most); ' +
        'released by itself at the latest 2026-01-31T12:15:00.000Z',
    );
  });
});

describe('self-preservation for a person', () => {
  it('that holds says that nobody expires, until when, and how it is released', () => {
    const text = selfPreservationText(report(HELD));
    expect(text).toMatch(/^Self-preservation holds: nobody expires\.\n/);
    expect(text).toMatch(/held since +2026-01-31T12:00:00\.000Z/);
    expect(text).toMatch(/until +2026-01-31T12:15:00\.000Z at the latest: 10 lease durations/);
    expect(text).toMatch(/If these nodes are really gone: .*registrar.* self-preservation release$/);
  });

  it('that does not hold says who changed it last', () => {
    const changes = { changed_at: '2026-01-31T12:00:00.000Z', changed_by: 'operator ada' };
    const text = selfPreservationText(report(changes));
    expect(text).toMatch(/^Self-preservation does not hold\.\n/);
    expect(text).toMatch(/last +2026-01-31T12:00:00\.000Z: .*operator ada/);
    expect(text).not.toMatch(/held since|release$/);
  });

  it('says who is let go by a release', () => {
    expect(releasedText(report(HELD))).toBe(
      'Self-preservation is released: of 7 of 10 nodes that were gone, those that stay silent expire within a lease duration.',
    );
  });
});

describe('a report of self-preservation', () => {
  const question = {
    topics: ['onex.evt.node-heartbeat.v1'] as const,
    window_seconds: 90,
    grace_seconds: 30,
    rule: { share: 0.45, floor: 5, max_hold_windows: 10 },
  };
  const sqlOf = (state: object): Sql => ({ query: () => Promise.resolve({ rows: [state] }) }) as unknown as Sql;

  it('has the share of now beside the rule', async () => {
    const { held, held_until, share_now, floor } = await reportSelfPreservation(sqlOf(report()), question);
    expect({ held, held_until, share_now, floor }).toEqual({ held: false, held_until: null, share_now: 0.2, floor: 5 });
  });

  it('says until when it holds at the latest, from now', async () => {
    const before = Date.now();
    const { held, held_until } = await reportSelfPreservation(sqlOf({ ...report(), ...HELD }), question);
    expect(held).toBe(true);
    const left = Date.parse(held_until ?? '') - before;
    expect(left).toBeGreaterThanOrEqual(895_000);
    expect(left).toBeLessThan(905_000);
  });
});
