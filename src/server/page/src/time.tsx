import { exact, left, long, short } from './words.js';
import { useTimed } from './use.js';

/** How long ago, in its largest unit, exact on hover. */
export function Ago({ at, full = false }: { at: number; full?: boolean }) {
  const text = useTimed((now) => (full ? long(now - at) : short(now - at)));
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={exact(at)}>
      {text}
    </time>
  );
}

/** How long until. */
export function Until({ at }: { at: number }) {
  const text = useTimed((now) => left(at - now));
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={exact(at)}>
      {text}
    </time>
  );
}
