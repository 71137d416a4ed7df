import { store } from './store.js';
import { exact, left, long, short, stamp } from './words.js';
import { useFrame, useTimed } from './use.js';

/** How long ago, with `suffix` behind it, or when, as it is chosen; exact on hover. */
export function Ago({ at, full = false, suffix = '' }: { at: number; full?: boolean; suffix?: string }) {
  const absolute = useFrame(() => store.hasAbsoluteTimes);
  const text = useTimed((now) => (absolute ? stamp(at, now, full) : ago(now - at, full) + suffix));
  return <Time at={at} text={text} />;
}

/** For how long, whatever is chosen. */
export function Lasting({ since, full = false }: { since: number; full?: boolean }) {
  return <Time at={since} text={useTimed((now) => ago(now - since, full))} />;
}

/** How long until. */
export function Until({ at }: { at: number }) {
  return <Time at={at} text={useTimed((now) => left(at - now))} />;
}

function ago(ms: number, full: boolean): string {
  return full ? long(ms) : short(ms);
}

function Time({ at, text }: { at: number; text: string }) {
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={exact(at)}>
      {text}
    </time>
  );
}
