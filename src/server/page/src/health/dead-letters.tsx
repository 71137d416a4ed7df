import { Link } from 'wouter';
import type { Health } from '../../../api/health.js';
import type { DeadLetterView } from '../../../api/node.js';
import { ReplayLetter } from '../replay-letter.js';
import { clock, count, cut, exact } from '../words.js';
import { VerdictGlyph } from './card.js';

export function DeadLetters({ health }: { health: Health }) {
  const { dead_letters: letters, dead_letters_count: many, dead_letters_failure: failure } = health;
  const newest = many > letters.length ? `, the newest ${letters.length} of them` : '';
  return (
    <section className="card section" id="dead-letters" aria-label="Dead letters">
      <h2>
        <VerdictGlyph verdict={health.dead_letters_verdict} />
        Dead letters
        <span>
          {many === 0
            ? 'none in the last day'
            : `${count(many)} in the last day${newest}; what could not be understood, with its reason`}
        </span>
      </h2>
      {failure !== null && <p className="dim">They cannot be read now: {failure}</p>}
      {letters.length > 0 && (
        <>
          <div className="scroll" tabIndex={0} role="region" aria-label="List of dead letters">
            <table className="table stacked letters-table" role="table">
              <thead role="rowgroup">
                <tr role="row">
                  {['Time', 'Reason', 'Node', 'Read from', 'Its original'].map((head) => (
                    <th key={head} scope="col" role="columnheader">
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody role="rowgroup">
                {letters.map((letter) => (
                  <LetterRow key={letter.id} letter={letter} />
                ))}
              </tbody>
            </table>
          </div>
          <p className="todo">
            <b>What to do.</b> The reason says what was wrong with the message: correct the sender; its next
            introspection counts. A record that was right all along is replayed:{' '}
            <span className="mono">registrar dlq replay &lt;id&gt;</span>
          </p>
        </>
      )}
    </section>
  );
}

/** On a phone its cells stand below each other: the roles keep the table a table there. */
function LetterRow({ letter }: { letter: DeadLetterView }) {
  const { at, reason, text, node_id, from } = letter;
  return (
    <tr role="row">
      <td role="cell" className="mono num" title={exact(at)}>
        {clock(at)}
      </td>
      <td role="cell">
        <details>
          <summary>{cut(reason)}</summary>
          {cut(reason) !== reason && <p>{reason}</p>}
          <pre className="words">{text === '' ? '(no bytes)' : text}</pre>
        </details>
      </td>
      <td role="cell" className="mono">
        {node_id === null ? (
          'not known'
        ) : (
          <Link className="underlined" href={`/nodes/${encodeURIComponent(node_id)}`}>
            {node_id}
          </Link>
        )}
      </td>
      <td role="cell" className="mono">
        {from}
      </td>
      <td role="cell">
        <ReplayLetter letter={letter} />
      </td>
    </tr>
  );
}
