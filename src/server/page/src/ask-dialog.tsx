import { useEffect, useRef, useState } from 'react';
import { act } from './get-json.js';
import { store } from './store.js';
import { useFrame } from './use.js';

/** What somebody is about to do. */
export interface Question {
  readonly title: string;
  /** What stands on the button. */
  readonly verb: string;
  /** What will happen, in two or three sentences. */
  readonly what: readonly string[];
  readonly url: string;
  /** What is done instead where its box is ticked. */
  readonly instead?: { readonly verb: string; readonly label: string; readonly url: string };
  /** A number that has to be typed, so that nobody does this by habit. */
  readonly confirm?: { readonly label: string; readonly number: number; readonly field: string };
}

const WHO = 'node-registrar who';
const SHORTEST_WHY = 3;

type Outcome =
  | { readonly kind: 'asking' }
  | { readonly kind: 'sent' }
  | { readonly kind: 'done' | 'refused'; readonly words: string };

/** Says what will happen, asks why, and keeps the answer on the screen until it was read. */
export function AskDialog({ question, close }: { question: Question; close: () => void }) {
  const { title, what, instead, confirm } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const knownAs = useFrame(() => store.hello?.known_as ?? null);
  const [who, setWho] = useState(() => localStorage.getItem(WHO) ?? '');
  const [why, setWhy] = useState('');
  const [typed, setTyped] = useState('');
  const [ticked, setTicked] = useState(false);
  const { verb, url } = ticked && instead !== undefined ? instead : question;
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'asking' });
  useEffect(() => dialog.current?.showModal(), []);
  const name = knownAs ?? who.trim();
  const send = async (): Promise<void> => {
    setOutcome({ kind: 'sent' });
    if (knownAs === null) localStorage.setItem(WHO, name);
    const more = confirm === undefined ? {} : { [confirm.field]: confirm.number };
    const answer = await act(url, { who: name, why, ...more });
    setOutcome(
      answer.kind === 'ok' ? { kind: 'done', words: answer.data.outcome } : { kind: 'refused', words: answer.words },
    );
  };
  const confirmed = confirm === undefined || typed.trim() === String(confirm.number);
  const ready = name !== '' && why.trim().length >= SHORTEST_WHY && confirmed && outcome.kind !== 'sent';
  return (
    <dialog ref={dialog} aria-labelledby="ask-title" onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void send();
        }}
      >
        <h2 id="ask-title">{title}</h2>
        <ul className="what">
          {what.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {outcome.kind === 'done' ? (
          <p className="outcome" role="status">
            {outcome.words}
          </p>
        ) : (
          <>
            <Why why={why} setWhy={setWhy} />
            {knownAs === null ? (
              <Who who={who} setWho={setWho} />
            ) : (
              <p className="dim">
                Kept under the name <b>{knownAs}</b>.
              </p>
            )}
            {instead !== undefined && <Tick label={instead.label} ticked={ticked} setTicked={setTicked} />}
            {confirm !== undefined && <Confirm label={confirm.label} typed={typed} setTyped={setTyped} />}
          </>
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
                {outcome.kind === 'sent' ? 'Waiting for the answer…' : verb}
              </button>
            </>
          )}
        </div>
      </form>
    </dialog>
  );
}

function Why({ why, setWhy }: { why: string; setWhy: (why: string) => void }) {
  return (
    <label>
      Why <small>kept in the history, next to your name</small>
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
  );
}

function Who({ who, setWho }: { who: string; setWho: (who: string) => void }) {
  return (
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
  );
}

function Confirm({ label, typed, setTyped }: { label: string; typed: string; setTyped: (typed: string) => void }) {
  return (
    <label>
      {label}
      <input
        type="text"
        inputMode="numeric"
        autoComplete="off"
        required
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </label>
  );
}

function Tick(props: { label: string; ticked: boolean; setTicked: (ticked: boolean) => void }) {
  const { label, ticked, setTicked } = props;
  return (
    <label className="tick">
      <input type="checkbox" checked={ticked} onChange={(event) => setTicked(event.target.checked)} />
      {label}
    </label>
  );
}

/** A button that asks first; nothing where actions are not allowed. */
export function AskButton({ question, label, small = false }: { question: Question; label: string; small?: boolean }) {
  const allowed = useFrame(() => store.hello?.actions_allowed ?? false);
  // The question as it was when it was asked: numbers may change while somebody reads it.
  const [asked, setAsked] = useState<Question | null>(null);
  if (!allowed) return null;
  return (
    <>
      <button type="button" className={`button ${small ? 'small' : ''}`} onClick={() => setAsked(question)}>
        {label}
      </button>
      {asked !== null && <AskDialog question={asked} close={() => setAsked(null)} />}
    </>
  );
}
