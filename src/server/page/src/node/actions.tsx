import { useEffect, useRef, useState } from 'react';
import type { StateView } from '../../../api/contract.js';
import { act } from '../get-json.js';
import { onKey } from '../keyboard.js';

interface Action {
  readonly name: 'acknowledge' | 'retry';
  readonly verb: string;
  readonly key: string;
  readonly what: readonly string[];
  readonly primary: boolean;
}

const WHO = 'node-registrar who';
const SHORTEST_WHY = 3;

/** What may be done to a node in this state. */
function actionsFor(state: StateView | undefined): Action[] {
  const waits = state?.tone === 'waiting' && state.shape === 'diamond';
  const acknowledge: Action = {
    name: 'acknowledge',
    verb: 'Acknowledge',
    key: 'a',
    what: [
      'The registration attempt goes on as if the node had acknowledged: it becomes active and discoverable.',
      'If it sends no heartbeat before its first lease runs out, it expires.',
    ],
    primary: true,
  };
  const retry: Action = {
    name: 'retry',
    verb: 'Retry',
    key: 'r',
    what: [
      'A new registration attempt begins with its last introspection.',
      'The backends are asked again, and the node is asked to acknowledge again.',
    ],
    primary: state?.group === 'ended',
  };
  return [...(waits ? [acknowledge] : []), ...(state?.group === 'registered' ? [] : [retry])];
}

interface Props {
  readonly id: string;
  readonly state: StateView | undefined;
  readonly allowed: boolean;
  readonly done: () => void;
}

export function Actions({ id, state, allowed, done }: Props) {
  const [asked, setAsked] = useState<Action | null>(null);
  const actions = actionsFor(state);
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
      <p className="actions dim" title="registrar ui --allow-actions">
        Read-only: started without actions
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
          id={id}
          action={asked}
          close={() => {
            setAsked(null);
            done();
          }}
        />
      )}
    </div>
  );
}

type Outcome =
  | { readonly kind: 'asking' }
  | { readonly kind: 'sent' }
  | { readonly kind: 'done' | 'refused'; readonly words: string };

/** Says what will happen, asks why, and keeps the answer on the screen until it was read. */
function AskDialog({ id, action, close }: { id: string; action: Action; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [who, setWho] = useState(() => localStorage.getItem(WHO) ?? '');
  const [why, setWhy] = useState('');
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'asking' });
  useEffect(() => dialog.current?.showModal(), []);
  const send = async (): Promise<void> => {
    setOutcome({ kind: 'sent' });
    localStorage.setItem(WHO, who.trim());
    const answer = await act(`/api/nodes/${encodeURIComponent(id)}/${action.name}`, { who, why });
    setOutcome(
      answer.kind === 'ok' ? { kind: 'done', words: answer.data.outcome } : { kind: 'refused', words: answer.words },
    );
  };
  const ready = who.trim() !== '' && why.trim().length >= SHORTEST_WHY && outcome.kind !== 'sent';
  return (
    <dialog ref={dialog} aria-labelledby="ask-title" onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void send();
        }}
      >
        <h2 id="ask-title">
          {action.verb} {id}?
        </h2>
        <ul className="what">
          {action.what.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {outcome.kind === 'done' ? (
          <p className="outcome" role="status">
            {outcome.words}
          </p>
        ) : (
          <Reasons who={who} setWho={setWho} why={why} setWhy={setWhy} />
        )}
        {outcome.kind === 'refused' && (
          <span className="words" role="alert">
            {outcome.words}
          </span>
        )}
        <div className="foot">
          {outcome.kind === 'done' ? (
            <button type="button" className="button" onClick={() => dialog.current?.close()}>
              Close
            </button>
          ) : (
            <>
              <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
                Cancel
              </button>
              <button type="submit" className="button primary" disabled={!ready}>
                {outcome.kind === 'sent' ? 'Waiting for the answer…' : action.verb}
              </button>
            </>
          )}
        </div>
      </form>
    </dialog>
  );
}

interface ReasonsProps {
  readonly who: string;
  readonly setWho: (who: string) => void;
  readonly why: string;
  readonly setWhy: (why: string) => void;
}

/** Who acts, and why. */
function Reasons({ who, setWho, why, setWhy }: ReasonsProps) {
  return (
    <>
      <label>
        Why <small>kept in the log, next to your name</small>
        <textarea
          rows={2}
          required
          minLength={SHORTEST_WHY}
          maxLength={500}
          value={why}
          autoFocus
          onChange={(event) => setWhy(event.target.value)}
        />
      </label>
      <label>
        Who <small>asked once; remembered in this browser</small>
        <input
          type="text"
          required
          maxLength={100}
          value={who}
          autoComplete="name"
          onChange={(event) => setWho(event.target.value)}
        />
      </label>
    </>
  );
}
