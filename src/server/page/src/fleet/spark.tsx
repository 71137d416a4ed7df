import { memo } from 'react';

/** A small line of counts, minute by minute; where nothing was counted yet, it begins later. */
export const Spark = memo(
  function Spark({ line, minutes = 60 }: { line: readonly number[]; minutes?: number }) {
    const from = minutes - line.length;
    const low = Math.min(...line);
    const high = Math.max(...line);
    if (line.length < 3) return <svg className="spark" viewBox="0 0 100 22" aria-hidden="true" />;
    if (low === high)
      return (
        <svg className="spark" viewBox="0 0 100 22" preserveAspectRatio="none" aria-hidden="true">
          <line x1={Math.max(0, (from / (minutes - 1)) * 100)} x2="100" y1="20.5" y2="20.5" />
        </svg>
      );
    const points = line.map((value, at) => {
      const x = ((from + at) / (minutes - 1)) * 100;
      return `${Math.max(0, x).toFixed(1)} ${(20 - ((value - low) / (high - low)) * 18).toFixed(1)}`;
    });
    return (
      <svg className="spark" viewBox="0 0 100 22" preserveAspectRatio="none" aria-hidden="true">
        <path
          className="area"
          d={`M${points.join('L')}L100 22L${Math.max(0, (from / (minutes - 1)) * 100).toFixed(1)} 22Z`}
        />
        <path d={`M${points.join('L')}`} />
      </svg>
    );
  },
  (before, next) =>
    before.line.length === next.line.length && before.line.every((value, at) => value === next.line[at]),
);
