import type { NodeBan, NodeKeyView, NodeView } from '../../../api/node.js';
import { CopyButton } from '../copy-button.js';
import { Glyph } from '../glyph.js';
import { Ago } from '../time.js';
import { Whole } from '../whole.js';
import { clock, exact } from '../words.js';

/** What keeps the node from counting, whatever its state is. Nothing where nothing does. */
export function Notices({ view: { id, ban, key } }: { view: NodeView }) {
  return (
    <>
      {ban !== null && <Banned id={id} ban={ban} />}
      {key !== null && key.conflict !== null && <AnotherKey id={id} bound={key} conflict={key.conflict} />}
    </>
  );
}

function Banned({ id, ban: { who, why, since } }: { id: string; ban: NodeBan }) {
  return (
    <section className="card section notice" aria-label="Ban">
      <h2>
        <Glyph shape="ban" tone="warn" />
        Banned
        <span>
          by {who}, <Ago at={since} full suffix=" ago" />
        </span>
      </h2>
      <p>{why === null ? 'Nobody has said why.' : <Whole text={why} />}</p>
      <p className="dim">Since {exact(since)}. What it sends is rejected, until somebody lifts the ban:</p>
      <Command text={`registrar unban ${id}`} />
    </section>
  );
}

interface AnotherKeyProps {
  readonly id: string;
  readonly bound: NodeKeyView;
  readonly conflict: NonNullable<NodeKeyView['conflict']>;
}

function AnotherKey({ id, bound, conflict: { words, at } }: AnotherKeyProps) {
  return (
    <section className="card section notice" aria-label="Conflict of keys">
      <h2>
        <Glyph shape="warn" tone="warn" />
        Its key has not signed what came in its name
        <span>
          <Ago at={at} full suffix=" ago" />
        </span>
      </h2>
      <span className="words" title={exact(at)}>
        <Whole text={words} />
      </span>
      <p className="dim">
        Key <span className="mono">{bound.thumbprint}</span> speaks for it since{' '}
        <time dateTime={new Date(bound.bound_at).toISOString()} title={exact(bound.bound_at)}>
          {new Date(bound.bound_at).toDateString()}, {clock(bound.bound_at)}
        </time>{' '}
        ({bound.bound_by}). If another process uses this id, end it or give it an id of its own. If the node has lost
        its key, free the id for a new one:
      </p>
      <Command text={`registrar release-key ${id} --reason "…"`} />
    </section>
  );
}

function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <span className="mono">{text}</span>
      <CopyButton text={text} label="Copy the command" />
    </span>
  );
}
