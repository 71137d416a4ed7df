import pc from 'picocolors';
import type { LookReason } from '../../server/api/fleet.js';
import { clockSeconds, colouredState, counted, shown } from '../terminal/format.js';
import type { States } from '../terminal/states.js';
import type { WatchEvent } from './events.js';

/** An event on one line. */
export function eventText(event: WatchEvent, states: States): string {
  return `${pc.dim(clockSeconds(event.at))}  ${whatHappened(event, (state) => colouredState(state, states))}`;
}

function whatHappened(event: WatchEvent, coloured: (state: string) => string): string {
  switch (event.kind) {
    case 'fleet':
      return `${counted(event.nodes, 'node')}${statesText(event.states, coloured)}`;
    case 'is':
      return `${event.node_id}  ${event.node_type}  is ${coloured(event.state)}${attemptText(event.attempt)}`;
    case 'unknown':
      return `${event.node_id}  is not known yet`;
    case 'new':
      return `${event.node_id}  ${event.node_type}  new: ${coloured(event.state)}${attemptText(event.attempt)}`;
    case 'state': {
      const why = event.reason === null ? '' : `: ${shown(event.reason)}`;
      const states = `${coloured(event.from)} -> ${coloured(event.to)}`;
      return `${event.node_id}  ${event.node_type}  ${states}${attemptText(event.attempt)}${why}`;
    }
    case 'look':
      return `${event.node_id}  ${lookText(event.look, event.was)}`;
    case 'gone':
      return `${event.node_id}  is forgotten: it had ended long ago`;
    case 'server':
      return event.answers
        ? `${event.server} answers again`
        : `${pc.red(`${event.server} does not answer`)}: ${shown(event.failure ?? '')}`;
    case 'self_preservation':
      return event.holds
        ? pc.yellow(`self-preservation holds: ${event.gone} of ${event.of} nodes are gone at once, so nobody expires`)
        : 'self-preservation has ended: who is silent expires';
    case 'dead_letter':
      return (
        `${event.node_id ?? 'somebody'}  ${pc.yellow('was not understood')}, dead letter ${event.id}: ` +
        shown(event.reason)
      );
  }
}

/** The first attempt goes without saying. */
function attemptText(attempt: number): string {
  return attempt > 1 ? ` (attempt ${attempt})` : '';
}

/** ": 10 ACTIVE, 1 REJECTED"; nothing of no states. */
export function statesText(states: Readonly<Record<string, number>>, coloured: (state: string) => string): string {
  const words = Object.entries(states).map(([state, count]) => `${count} ${coloured(state)}`);
  return words.length === 0 ? '' : `: ${words.join(', ')}`;
}

const BEGINS: Readonly<Record<Exclude<LookReason, 'ended'>, string>> = {
  silent: 'is silent: its lease has run out',
  backend: 'waits for a backend that has not confirmed it for 30 s',
  ack: 'is asked again for its acknowledgement',
  conflict: 'has a second process under its id, whose heartbeats do not count',
  key: 'has something sent in its name that its key has not signed',
};

const ENDS: Readonly<Record<Exclude<LookReason, 'ended'>, string>> = {
  silent: 'sends heartbeats again',
  backend: 'waits no longer for a backend',
  ack: 'is not asked again any more',
  conflict: 'is the only process under its id again',
  key: 'has nothing sent in its name any more that its key has not signed',
};

function lookText(look: LookReason | null, was: LookReason | null): string {
  if (look !== null && look !== 'ended') return pc.yellow(BEGINS[look]);
  return was === null || was === 'ended' ? 'needs no look' : ENDS[was];
}
