import { useEffect, useRef, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { Glyph, Icon, BrandMark } from './glyph.js';
import { onKey } from './keyboard.js';
import { store } from './store.js';
import type { StreamReader } from './stream.js';
import { toggleTheme } from './theme.js';
import { Lasting, Until } from './time.js';
import { toggleTimes } from './times.js';
import { useFrame, useTimed } from './use.js';
import { clock, count } from './words.js';

export function Frame({ stream, children }: { stream: StreamReader; children: ReactNode }) {
  const [path, navigate] = useLocation();
  const help = useRef<HTMLDialogElement>(null);
  const broken = useFrame(() => store.line.kind === 'broken' || store.isRegistryAway);
  useEffect(() =>
    onKey((key) => {
      if (key === 'g f') navigate('/');
      else if (key === 'g h') navigate('/health');
      else if (key === 'g a') navigate('/activity');
      else if (key === 't') toggleTimes();
      else if (key === '?') help.current?.showModal();
      else if (key === '/') {
        const search = document.getElementById('search');
        if (search === null) return false;
        search.focus();
      } else return false;
      return true;
    }),
  );
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <div className="top-inner">
          <Link className="brand" href="/">
            <BrandMark />
            node-registrar
          </Link>
          <Environment />
          <nav className="screens" aria-label="Screens">
            <Link href="/" aria-current={path === '/' || path.startsWith('/nodes/') ? 'page' : undefined}>
              Fleet
            </Link>
            <Link href="/health" aria-current={path === '/health' ? 'page' : undefined}>
              Health <HealthSign />
            </Link>
            <Link href="/activity" aria-current={path === '/activity' ? 'page' : undefined}>
              Activity
            </Link>
          </nav>
          <div className="right">
            <LiveSign />
            <button
              type="button"
              className="icon-button"
              aria-label="Keyboard shortcuts"
              title="Keyboard shortcuts ( ? )"
              onClick={() => help.current?.showModal()}
            >
              ?
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label="Light or dark"
              title="Light or dark"
              onClick={toggleTheme}
            >
              <Icon name="theme" />
            </button>
          </div>
        </div>
      </header>
      <Banners stream={stream} path={path} />
      <main id="main" tabIndex={-1} className={broken ? 'stale' : ''}>
        {children}
      </main>
      <Help dialog={help} />
    </>
  );
}

function Environment() {
  const hello = useFrame(() => store.hello);
  if (hello === null) return null;
  const text = hello.namespace === '' ? hello.env : `${hello.env} · ${hello.namespace}`;
  return (
    <span className="environment" title="environment · namespace of the topics">
      {text}
    </span>
  );
}

function HealthSign() {
  const problems = useFrame(() => store.pulse?.health_problems ?? 0);
  if (problems === 0) return null;
  return (
    <>
      <Glyph shape="warn" tone="warn" />
      <span className="sr">, something to look at</span>
    </>
  );
}

function LiveSign() {
  const kind = useFrame(() => store.line.kind);
  const registry = useFrame(() => store.isRegistryAway);
  const live = kind === 'live' && !registry;
  return (
    <span className="live" role="status">
      <Glyph
        shape={live ? 'dot' : kind === 'opening' ? 'ring' : 'warn'}
        tone={live ? 'active' : kind === 'opening' ? 'plain' : 'warn'}
        size={live ? 8 : 14}
      />
      {live ? 'Live' : kind === 'opening' ? 'Connecting' : 'Not live'}
    </span>
  );
}

function Banners({ stream, path }: { stream: StreamReader; path: string }) {
  const line = useFrame(() => store.line);
  const pulse = useFrame(() => store.pulse);
  const loaded = useFrame(() => store.loaded);
  const held = pulse?.held ?? null;
  const failure = pulse?.registry_failure ?? null;
  return (
    <>
      {held !== null && (
        <Banner
          tone="warn"
          action={
            path === '/health' ? null : (
              <Link className="button small" href="/health">
                See health
              </Link>
            )
          }
        >
          <b>Self-preservation holds.</b> <span className="num">{count(held.gone)}</span> of{' '}
          <span className="num">{count(held.of)}</span> nodes are silent at once, so nobody expires. Since{' '}
          {clock(held.since)}; it lets go by itself when enough are back, at the latest in <Until at={held.until} />.
        </Banner>
      )}
      {line.kind === 'broken' && (
        <Banner
          tone="warn"
          action={
            <button type="button" className="button small" onClick={() => stream.reconnect()}>
              Try now
            </button>
          }
        >
          <b>Not live.</b> The connection broke at {clock(line.since)}; what you see is from then. Trying again{' '}
          <Retry at={line.retryAt} />.
        </Banner>
      )}
      {line.kind === 'live' && failure !== null && loaded && (
        <Banner
          tone="expired"
          action={
            path === '/health' ? null : (
              <Link className="button small" href="/health">
                See health
              </Link>
            )
          }
        >
          <b>The registry does not answer.</b> Since {clock(failure.since)}, <Lasting since={failure.since} full /> ago;
          a node’s own page still asks its run. {failure.todo} <span className="mono">{failure.words}</span>
        </Banner>
      )}
    </>
  );
}

/** Counts by this machine's clock: the server's is not known now. */
function Retry({ at }: { at: number }) {
  const seconds = useTimed(() => Math.max(0, Math.ceil((at - Date.now()) / 1_000)));
  return <span className="num">{seconds === 0 ? 'now' : `in ${seconds} s`}</span>;
}

function Banner({ tone, action, children }: { tone: 'warn' | 'expired'; action: ReactNode; children: ReactNode }) {
  return (
    <div className={`banner tone-${tone}`} role="status">
      <div className="banner-inner">
        <Glyph shape={tone === 'warn' ? 'warn' : 'cross'} tone={tone} />
        <p>{children}</p>
        <div className="banner-action">{action}</div>
      </div>
    </div>
  );
}

const KEYS = [
  [['/'], 'search'],
  [['j', 'k'], 'next, previous node'],
  [['Enter'], 'open the node'],
  [['[', ']'], 'previous, next node of the list, from a node'],
  [['g f', 'g h', 'g a'], 'fleet, health, activity'],
  [['u'], 'apply a changed order'],
  [['t'], 'times relative or absolute'],
  [['a', 'r', 'd', 'u', 'e', 'b'], 'acknowledge, retry, drain, undrain, evict, unban: each asks first'],
  [['Esc'], 'close, clear the search'],
] as const;

function Help({ dialog }: { dialog: React.RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} aria-labelledby="help-title">
      <form method="dialog">
        <h2 id="help-title">Keyboard</h2>
        <dl className="keys">
          {KEYS.map(([keys, what]) => (
            <div key={what}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <div className="foot">
          <button className="button">Close</button>
        </div>
      </form>
    </dialog>
  );
}
