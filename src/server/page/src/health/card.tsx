import type { ReactNode } from 'react';
import type { Verdict } from '../../../api/health.js';
import { Glyph } from '../glyph.js';

export function VerdictGlyph({ verdict, size = 14 }: { verdict: Verdict; size?: number }) {
  if (verdict === 'ok') return <Glyph shape="ok" tone="active" size={size} />;
  return verdict === 'look' ? (
    <Glyph shape="warn" tone="warn" size={size} />
  ) : (
    <Glyph shape="ring" tone="plain" size={size} />
  );
}

export function Card({
  title,
  beside,
  verdict,
  children,
}: {
  title: string;
  beside: ReactNode;
  verdict: Verdict;
  children: ReactNode;
}) {
  return (
    <section className="card health-card" aria-label={title}>
      <h2>
        <VerdictGlyph verdict={verdict} />
        {title}
        <small>{beside}</small>
      </h2>
      {children}
    </section>
  );
}
