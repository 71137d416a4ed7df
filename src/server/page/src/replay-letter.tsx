import type { DeadLetterView } from '../../api/node.js';
import { AskButton } from './ask-dialog.js';

/** What can be done with a dead letter: send its original again, or nothing, and why. */
export function ReplayLetter({ letter }: { letter: DeadLetterView }) {
  const { id, from, replayed, stays } = letter;
  if (stays !== null) return <span className="dim">{stays}</span>;
  const question = {
    title: `Replay dead letter ${id}?`,
    verb: 'Replay',
    what: [
      `The same bytes, key and headers are sent again to where they were read: ${from}.`,
      'What was wrong must be corrected first: what fails again becomes another dead letter.',
      ...(replayed ? ['Its original has been sent again already.'] : []),
    ],
    url: `/api/dead-letters/${encodeURIComponent(id)}/replay`,
  };
  return (
    <span className="letter-actions">
      {replayed && <span className="dim">replayed</span>}
      <AskButton question={question} label={replayed ? 'Once more…' : 'Replay…'} small />
    </span>
  );
}
