import type { BackendHealth } from '../../../api/health.js';
import { Lasting } from '../time.js';
import { Whole } from '../whole.js';
import { clock, counted } from '../words.js';
import { Card } from './card.js';

export function BackendCard({ backend, now }: { backend: BackendHealth; now: number }) {
  const { name, address, verdict, p50, p99, failing_since, failure, minutes, todo } = backend;
  const failed = minutes.filter((minute) => minute === 'failed').length;
  return (
    <Card title={name} beside={<span className="mono">{address}</span>} verdict={verdict}>
      <div className="figure num">
        {failing_since !== null ? (
          <>
            no answer{' '}
            <small>
              for <Lasting since={failing_since} />
            </small>
          </>
        ) : p50 === null ? (
          'not asked yet'
        ) : (
          <>
            {p50.toFixed(p50 < 10 ? 1 : 0)} ms <small>p50, {(p99 ?? p50).toFixed(0)} ms p99</small>
          </>
        )}
      </div>
      <div
        className="minutes"
        role="img"
        aria-label={`The last hour: ${failed === 0 ? 'no failed minute' : counted(failed, 'failed minute')}`}
      >
        {minutes.map((minute, at) => (
          <i key={at} className={minute ?? 'none'} />
        ))}
      </div>
      <div className="minutes-axis">
        <span>{clock(now - 3_600_000).slice(0, 5)}</span>
        <span>now</span>
      </div>
      {failure === null ? (
        <p className="small dim">
          {failed === 0
            ? 'No error since this server was started.'
            : `${counted(failed, 'minute')} with errors in the last hour.`}
        </p>
      ) : (
        <span className="words">
          <Whole text={failure} />
        </span>
      )}
      {todo !== null && (
        <div className="todo">
          <b>What to do.</b> {todo}
        </div>
      )}
    </Card>
  );
}
