import { beforeEach, describe, expect, it } from 'vitest';
import { lineScreen, type WatchScreen } from '../../../../src/cli/watch/screen.js';
import { eventText } from '../../../../src/cli/watch/event-text.js';
import type { WatchEvent } from '../../../../src/cli/watch/events.js';
import { Watch } from '../../../../src/cli/watch/watch.js';
import { watchText, type WatchView } from '../../../../src/cli/watch/view.js';
import { statesOf } from '../../../../src/cli/terminal/states.js';
import { loadContracts } from '../../../../src/contracts/load.js';
import { LiveFleet } from '../../../../src/server/fleet/live-fleet.js';
import { CONSUL_WORDS, FakeSources, contract } from '../../../browser/fake-sources.js';

/** `registrar watch` over the fleet of the page's tests: the same source, read by the same reader. */

const states = statesOf(loadContracts().compiled);

let sources: FakeSources;
let fleet: LiveFleet;
let events: WatchEvent[];
let view: () => WatchView;

/** What is read on a terminal, without its colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');
const lines = (): string[] => events.map((event) => plain(eventText(event, states)).replace(/^\d\d:\d\d:\d\d {2}/, ''));
const screen = (rows = 30, columns = 100): string => plain(watchText(view(), { rows, columns }));

beforeEach(() => {
  sources = new FakeSources();
  fleet = new LiveFleet(sources, contract, { registryTodo: '' });
  events = [];
});

function watch(...only: readonly string[]): Watch {
  const shown: WatchScreen = {
    ...lineScreen((event) => void events.push(event)),
    draw: (next) => (view = () => ({ ...next(), events: lines() })),
    size: { columns: 100, rows: 30 },
  };
  const options = { fleet, sources, screen: shown, states, only: only.length === 0 ? null : new Set(only) };
  return new Watch(options, sources.born - 1);
}

describe('a watch of the whole fleet', () => {
  it('begins with how many there are, and says what becomes of them', async () => {
    sources.set('a', { state: 'ACTIVE' });
    sources.set('b', { state: 'PENDING_REGISTRATION', reducer: 'partial', lease: null });
    watch();
    await fleet.read();
    sources.set('b', { state: 'ACTIVE' });
    sources.set('c', { state: 'PENDING_REGISTRATION', lease: null });
    await fleet.read();
    sources.set('a', { state: 'LIVENESS_EXPIRED', ended: Date.now(), reason: 'no heartbeat within 90 s' });
    await fleet.read();
    sources.set('a', { state: 'PENDING_REGISTRATION', ended: null, reason: null, attempt: 2, lease: null });
    await fleet.read();
    expect(lines()).toEqual([
      '2 nodes: 1 ACTIVE, 1 PENDING_REGISTRATION',
      'c  effect  new: PENDING_REGISTRATION',
      'b  effect  PENDING_REGISTRATION -> ACTIVE',
      'a  effect  ACTIVE -> LIVENESS_EXPIRED: no heartbeat within 90 s',
      'a  effect  LIVENESS_EXPIRED -> PENDING_REGISTRATION (attempt 2)',
    ]);
  });

  it('says who falls silent, who sends heartbeats again, and who shares an id', async () => {
    sources.set('a', { state: 'ACTIVE' });
    watch();
    await fleet.read();
    sources.silence('a', Date.now() - 100_000);
    await fleet.read();
    expect(screen()).toMatch(/^a +effect +ACTIVE .*silent: its lease has run out$/m);
    sources.silence('a', Date.now());
    await fleet.read();
    sources.conflicts.add('a');
    await fleet.read();
    expect(screen()).toContain('a second process uses its id');
    sources.conflicts.clear();
    await fleet.read();
    expect(lines().slice(1)).toEqual([
      'a  is silent: its lease has run out',
      'a  sends heartbeats again',
      'a  has a second process under its id, whose heartbeats do not count',
      'a  is the only process under its id again',
    ]);
  });

  it('says in the server’s words that one does not answer, once, and goes on when it does', async () => {
    sources.set('a', { state: 'ACTIVE' });
    const watching = watch();
    await fleet.read();
    sources.registryFailure = 'connect ECONNREFUSED 127.0.0.1:5432';
    sources.consulFailure = CONSUL_WORDS;
    for (let looks = 0; looks < 2; looks += 1) {
      await fleet.read();
      await watching.look();
    }
    expect(screen()).toMatch(/PostgreSQL has not answered for \d+ s: connect ECONNREFUSED/);
    // What was read last stays.
    expect(screen()).toMatch(/^a +effect +ACTIVE/m);
    sources.registryFailure = null;
    sources.consulFailure = null;
    await fleet.read();
    await watching.look();
    sources.set('a', { state: 'DEREGISTERED', ended: Date.now(), reason: 'the node left' });
    await fleet.read();
    expect(lines().slice(1)).toEqual([
      `Consul does not answer: ${CONSUL_WORDS}`,
      'PostgreSQL does not answer: connect ECONNREFUSED 127.0.0.1:5432',
      'Consul answers again',
      'PostgreSQL answers again',
      'a  effect  ACTIVE -> DEREGISTERED: the node left',
    ]);
    expect(screen()).not.toContain('has not answered');
  });

  it('waits for a registry that does not answer from the start', async () => {
    sources.registryFailure = 'connect ECONNREFUSED 127.0.0.1:5432';
    const watching = watch();
    await fleet.read();
    await watching.look();
    expect(screen()).toMatch(/^The fleet is being read …[^]*PostgreSQL has not answered/);
    sources.registryFailure = null;
    sources.set('a', { state: 'ACTIVE' });
    await fleet.read();
    expect(lines()[1]).toBe('1 node: 1 ACTIVE');
  });

  it('says when self-preservation holds and ends, and what was not understood', async () => {
    const watching = watch();
    await fleet.read();
    const { held } = sources;
    if (held === null) throw new Error('the fake knows of self-preservation');
    sources.held = { ...held, state: { ...held.state, held_since: new Date().toISOString(), suspects: 60 } };
    sources.deadLetters = [
      {
        id: '2-17',
        at: Date.now(),
        node_id: 'odd',
        reason: 'node_type: expected one of effect, compute',
        from: 't',
        text: '',
        replayed: false,
        stays: null,
      },
      {
        id: '2-3',
        at: sources.born - 60_000,
        node_id: 'before',
        reason: 'long ago',
        from: 't',
        text: '',
        replayed: false,
        stays: null,
      },
    ];
    await watching.look();
    await watching.look();
    expect(screen()).toContain('Self-preservation has held for');
    sources.held = held;
    await watching.look();
    expect(lines().slice(1)).toEqual([
      'self-preservation holds: 61 of 10011 nodes are gone at once, so nobody expires',
      'odd  was not understood, dead letter 2-17: node_type: expected one of effect, compute',
      'self-preservation has ended: who is silent expires',
    ]);
  });

  it('shows first who needs a look, as many as fit, no line wider than the terminal, and how many more there are', async () => {
    sources.fill(200);
    sources.set('ill', {
      state: 'PENDING_REGISTRATION',
      reducer: 'partial',
      since: Date.now() - 60_000,
      lease: null,
      beat: null,
    });
    const watching = watch();
    await fleet.read();
    await watching.look();
    const text = screen(20, 60).split('\n');
    expect(text.length).toBeLessThanOrEqual(20);
    expect(Math.max(...text.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(text[0]).toBe('201 nodes: 200 ACTIVE, 1 PENDING_REGISTRATION  Ctrl-C ends');
    expect(screen(20, 200).split('\n')[3]).toMatch(/^ill .* Consul, try \d+: Unexpected response code: 500/);
    expect(text.find((line) => line.startsWith('… and'))).toMatch(/^… and 18\d more$/);
  });

  it('does not list who ended long ago, and counts them', async () => {
    sources.set('a', { state: 'ACTIVE' });
    sources.set('old', { state: 'DEREGISTERED', ended: Date.now() - 4_000_000, reason: 'the node left', lease: null });
    watch();
    await fleet.read();
    expect(screen()).toMatch(/^2 nodes: 1 ACTIVE, 1 DEREGISTERED/);
    expect(screen()).not.toMatch(/^old/m);
    expect(screen()).toContain('… and 1 more');
  });
});

describe('a watch of nodes that are named', () => {
  it('says nothing of others, and shows those that are not known yet', async () => {
    sources.set('a', { state: 'ACTIVE' });
    sources.set('b', { state: 'ACTIVE' });
    watch('a', 'later');
    await fleet.read();
    expect(screen()).toContain('later  is not known yet');
    sources.set('b', { state: 'DEREGISTERED', ended: Date.now() });
    sources.set('later', { state: 'PENDING_REGISTRATION', lease: null });
    await fleet.read();
    expect(lines()).toEqual([
      'a  effect  is ACTIVE',
      'later  is not known yet',
      'later  effect  new: PENDING_REGISTRATION',
    ]);
    expect(screen()).toMatch(/^2 nodes: 1 ACTIVE, 1 PENDING_REGISTRATION[^]*\nlater +effect +PENDING_REGISTRATION/);
  });
});
