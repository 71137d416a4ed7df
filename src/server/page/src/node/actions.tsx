import { useEffect, useState } from 'react';
import type { StateView } from '../../../api/contract.js';
import type { NodeView } from '../../../api/node.js';
import { AskDialog, type Question } from '../ask-dialog.js';
import { onKey } from '../keyboard.js';
import { isRegistering } from './is-registering.js';

interface Action {
  readonly name: 'acknowledge' | 'retry' | 'drain' | 'undrain' | 'evict' | 'unban';
  readonly verb: string;
  readonly key: string;
  readonly what: readonly string[];
  /** A box to tick, by which another action is done instead. */
  readonly instead?: { readonly name: 'ban'; readonly verb: string; readonly label: string };
  readonly primary: boolean;
}

const ACKNOWLEDGE: Action = {
  name: 'acknowledge',
  verb: 'Acknowledge',
  key: 'a',
  what: [
    'The registration attempt goes on as if the node had acknowledged: it becomes active and discoverable.',
    'If it sends no heartbeat before its first lease runs out, it expires.',
  ],
  primary: true,
};
const RETRY: Action = {
  name: 'retry',
  verb: 'Retry',
  key: 'r',
  what: [
    'A new registration attempt begins with its last introspection.',
    'The backends are asked again, and the node is asked to acknowledge again.',
  ],
  primary: false,
};
const DRAIN: Action = {
  name: 'drain',
  verb: 'Drain',
  key: 'd',
  what: [
    'Others do not find the node any more. It stays registered and alive.',
    'That lasts until it is undrained, or starts again.',
  ],
  primary: false,
};
const UNDRAIN: Action = {
  name: 'undrain',
  verb: 'Undrain',
  key: 'u',
  what: ['Others find the node again.'],
  primary: true,
};
const EVICT: Action = {
  name: 'evict',
  verb: 'Evict',
  key: 'e',
  what: [
    'The registration ends: the node leaves Consul, and its row says who did it and why.',
    'If the node lives, it registers anew when it introduces itself, unless it is banned.',
  ],
  instead: {
    name: 'ban',
    verb: 'Evict and ban',
    label: 'Ban it too: what it sends is rejected, until somebody lifts that',
  },
  primary: false,
};

const UNBAN: Action = {
  name: 'unban',
  verb: 'Unban',
  key: 'b',
  what: [
    'The node may come in again: it registers when it introduces itself, which a node with our SDK does by itself.',
  ],
  primary: true,
};

/** What may be done to a node in this state. One that is banned is rejected again, whoever asks for a retry. */
function actionsFor(view: NodeView, state: StateView | undefined): Action[] {
  if (view.ban === null) return isRegistering(view) ? actionsIn(state) : [];
  return [UNBAN, ...(isRegistering(view) ? actionsIn(state).filter(({ name }) => name !== 'retry') : [])];
}

function actionsIn(state: StateView | undefined): Action[] {
  const waits = state?.tone === 'waiting' && state.shape === 'diamond';
  const isRegistered = state?.group === 'registered';
  return [
    ...(waits ? [ACKNOWLEDGE] : []),
    ...(isRegistered
      ? [state.tone === 'draining' ? UNDRAIN : DRAIN]
      : [{ ...RETRY, primary: state?.group === 'ended' }]),
    ...(state?.group === 'ended' ? [] : [EVICT]),
  ];
}

interface Props {
  readonly view: NodeView;
  readonly state: StateView | undefined;
  readonly allowed: boolean;
  readonly done: () => void;
}

export function ActionButtons({ view, state, allowed, done }: Props) {
  const { id } = view;
  const [asked, setAsked] = useState<Action | null>(null);
  const actions = actionsFor(view, state);
  useEffect(() =>
    onKey((key) => {
      const action = allowed ? actions.find((one) => one.key === key) : undefined;
      if (action === undefined) return false;
      setAsked(action);
      return true;
    }),
  );
  if (!allowed)
    return (
      <p className="actions dim">
        <span>
          Read-only. To act from here: <span className="mono">registrar ui --allow-actions</span>
        </span>
      </p>
    );
  return (
    <div className="actions">
      {actions.map((action) => (
        <button
          key={action.name}
          type="button"
          className={`button ${action.primary ? 'primary' : ''}`}
          onClick={() => setAsked(action)}
        >
          {action.verb}…
        </button>
      ))}
      {asked !== null && (
        <AskDialog
          question={questionOf(asked, id)}
          close={() => {
            setAsked(null);
            done();
          }}
        />
      )}
    </div>
  );
}

function questionOf({ name, verb, what, instead }: Action, id: string): Question {
  const urlOf = (action: string): string => `/api/nodes/${encodeURIComponent(id)}/${action}`;
  return {
    title: `${verb} ${id}?`,
    verb,
    what,
    url: urlOf(name),
    ...(instead === undefined ? {} : { instead: { ...instead, url: urlOf(instead.name) } }),
  };
}
