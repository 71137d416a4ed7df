import type { ReactElement } from 'react';
import type { Shape, StateView, Tone } from '../../api/contract.js';

/** Every sign is drawn in place: thousands of references to one drawing cost frames. */
const SHAPES: Readonly<Record<Shape | 'warn' | 'ok' | 'point' | 'ring' | 'person', ReactElement>> = {
  half: (
    <>
      <circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M7 1.8a5.2 5.2 0 0 0 0 10.4z" fill="currentColor" />
    </>
  ),
  target: (
    <>
      <circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <circle cx="7" cy="7" r="2.2" fill="currentColor" />
    </>
  ),
  diamond: (
    <path d="M7 1.6 12.4 7 7 12.4 1.6 7z" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinejoin="round" />
  ),
  'diamond-full': <path d="M7 .9 13.1 7 7 13.1.9 7z" fill="currentColor" />,
  dot: <circle cx="7" cy="7" r="5.4" fill="currentColor" />,
  down: <path d="M1.4 2.8h11.2L7 12.4z" fill="currentColor" />,
  bar: <rect x="1.4" y="5.5" width="11.2" height="3" rx="1.5" fill="currentColor" />,
  cross: (
    <path
      d="M2.8 2.8l8.4 8.4M11.2 2.8l-8.4 8.4"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.4"
      strokeLinecap="round"
    />
  ),
  hour: <path d="M2.6 1.6h8.8L7 7l4.4 5.4H2.6L7 7z" fill="currentColor" stroke="currentColor" strokeLinejoin="round" />,
  ban: (
    <>
      <circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" strokeWidth="1.7" />
      <path d="M3.4 3.4l7.2 7.2" stroke="currentColor" strokeWidth="1.7" />
    </>
  ),
  warn: (
    <>
      <path d="M7 1.2 13.4 12.6H.6z" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" />
      <path d="M7 5v3.4M7 10v1" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
    </>
  ),
  ok: (
    <path
      d="M2.2 7.6 5.5 10.8 11.8 3.6"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.2"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
  person: (
    <>
      <circle cx="7" cy="4.3" r="2.6" fill="currentColor" />
      <path d="M1.9 13c.3-3 2.3-4.8 5.1-4.8s4.8 1.8 5.1 4.8z" fill="currentColor" />
    </>
  ),
  point: <circle cx="7" cy="7" r="2.6" fill="currentColor" />,
  ring: <circle cx="7" cy="7" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.4 2" />,
};

export type GlyphShape = keyof typeof SHAPES;
export type GlyphTone = Tone | 'warn' | 'plain' | 'ink';

export function Glyph({ shape, tone, size = 14 }: { shape: GlyphShape; tone: GlyphTone; size?: number }) {
  return (
    <svg viewBox="0 0 14 14" width={size} height={size} className={`glyph tone-${tone}`} aria-hidden="true">
      {SHAPES[shape]}
    </svg>
  );
}

export function StateGlyph({ view, size = 14 }: { view: StateView | undefined; size?: number }) {
  return view === undefined ? (
    <Glyph shape="ring" tone="plain" size={size} />
  ) : (
    <Glyph shape={view.shape} tone={view.tone} size={size} />
  );
}

const ICONS = {
  search: <path d="M10.2 10.2 13 13M6 10.1a4.1 4.1 0 1 0 0-8.2 4.1 4.1 0 0 0 0 8.2z" />,
  copy: (
    <>
      <rect x="4.6" y="4.6" width="7" height="7.4" rx="1.4" />
      <path d="M9.4 2.4H3.6c-.7 0-1.2.5-1.2 1.2v6" />
    </>
  ),
  out: <path d="M4 10l6-6M5 3.6h5.4V9" />,
  theme: (
    <>
      <circle cx="7" cy="7" r="5.2" />
      <path d="M7 1.8a5.2 5.2 0 0 1 0 10.4z" fill="currentColor" />
    </>
  ),
  up: <path d="M3 9l4-4 4 4" />,
  down: <path d="M3 5l4 4 4-4" />,
} as const;

export function Icon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg
      viewBox="0 0 14 14"
      width="14"
      height="14"
      className="icon"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {ICONS[name]}
    </svg>
  );
}

export function BrandMark() {
  return (
    <svg
      viewBox="0 0 20 20"
      width="20"
      height="20"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <circle cx="10" cy="10" r="8.2" strokeWidth="1.8" />
      <path d="M5.6 8.2h7.2l-2-2M14.4 11.8H7.2l2 2" strokeWidth="1.6" />
    </svg>
  );
}
