import { useEffect, useState } from 'react';
import type { Health, HealthFigure } from '../../../api/health.js';
import { getJson } from '../get-json.js';
import { BackendCard } from './backend-card.js';
import { Card, VerdictGlyph } from './card.js';
import { DeadLetters } from './dead-letters.js';
import { SelfPreservationCard } from './self-preservation-card.js';
import { StreamsCard } from './streams-card.js';

const EVERY_MS = 2_000;

export function HealthPage() {
  const [health, setHealth] = useState<Health | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const over = new AbortController();
    const refresh = async (): Promise<void> => {
      if (document.hidden) return;
      const answer = await getJson<Health>('/api/health', over.signal);
      if (over.signal.aborted) return;
      if (answer.kind === 'ok') setHealth(answer.data);
      setFailure(answer.kind === 'ok' ? null : answer.words);
    };
    void refresh();
    const timer = setInterval(() => void refresh(), EVERY_MS);
    return () => {
      over.abort();
      clearInterval(timer);
    };
  }, []);
  if (health === null)
    return (
      <div className="head">
        <h1>Health</h1>
        <p>{failure === null ? '' : `The server of this page gave no answer: ${failure}. It is asked again.`}</p>
      </div>
    );
  return (
    <>
      <div className="verdict">
        <VerdictGlyph verdict={health.verdict} size={20} />
        <h1>{health.title}</h1>
        <p>{health.sentence}</p>
      </div>
      <div className="grid-two">
        <SelfPreservationCard state={health.self_preservation} />
        <StreamsCard streams={health.streams} />
      </div>
      <div className="grid-four">
        {health.backends.map((backend) => (
          <BackendCard key={backend.name} backend={backend} now={health.now} />
        ))}
      </div>
      <div className="grid-four">
        {health.parts.map((part) => (
          <PartCard key={part.name} part={part} />
        ))}
      </div>
      <DeadLetters health={health} />
    </>
  );
}

function PartCard({ part }: { part: HealthFigure }) {
  return (
    <Card title={part.name} beside={<span className="mono">{part.beside}</span>} verdict={part.verdict}>
      <div className="figure num">
        {part.figure} <small>{part.unit}</small>
      </div>
      <p>{part.sentence}</p>
      <div className="todo">
        {part.verdict === 'look' && <b>What to do. </b>}
        {part.todo}
      </div>
    </Card>
  );
}
