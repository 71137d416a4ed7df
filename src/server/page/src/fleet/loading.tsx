import { useEffect, useState } from 'react';
import { store } from '../store.js';
import { useFrame } from '../use.js';

/** Nothing for a moment, then still bars in the places of the rows; what keeps it from loading is said instead. */
export function Loading() {
  const failure = useFrame(() => store.pulse?.registry_failure ?? null);
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (failure !== null)
    return (
      <>
        <div className="head">
          <h1>Fleet</h1>
        </div>
        <div className="card">
          <div className="empty">
            <h2>The registry has not answered yet</h2>
            <p>The list comes from PostgreSQL. {failure.todo} It appears here as soon as it answers.</p>
            <span className="words">{failure.words}</span>
          </div>
        </div>
      </>
    );
  if (!slow) return <h1 className="sr">Fleet</h1>;
  return (
    <>
      <div className="head">
        <h1>Fleet</h1>
        <p>Loading the registry…</p>
      </div>
      <div className="card skeleton-matrix" aria-busy="true">
        {Array.from({ length: 6 }, (_, at) => (
          <div key={at} className="skeleton" />
        ))}
      </div>
      <div className="card skeleton-list">
        {Array.from({ length: 12 }, (_, at) => (
          <div key={at} className="skeleton-row">
            <div className="skeleton" />
          </div>
        ))}
      </div>
    </>
  );
}
