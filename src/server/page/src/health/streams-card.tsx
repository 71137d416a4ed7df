import type { StreamHealth, Verdict } from '../../../api/health.js';
import { count, counted } from '../words.js';
import { Card } from './card.js';

export function StreamsCard({ streams }: { streams: readonly StreamHealth[] }) {
  const worst: Verdict = streams.some(({ verdict }) => verdict === 'look')
    ? 'look'
    : streams.every(({ verdict }) => verdict === 'ok') && streams.length > 0
      ? 'ok'
      : 'unknown';
  const highest = Math.max(1_000, ...streams.flatMap(({ partitions }) => partitions));
  return (
    <Card title="Streams" beside="what the bridge reads" verdict={worst}>
      <div className="scroll" tabIndex={0} role="region" aria-label="Topics">
        <table className="table stacked streams" role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th scope="col" role="columnheader">
                Topic
              </th>
              <th scope="col" role="columnheader" className="right">
                Lag, records
              </th>
              <th scope="col" role="columnheader" className="right">
                Watermark behind
              </th>
              <th scope="col" role="columnheader" className="right no-phone">
                By partition
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {streams.map((stream) => (
              <tr key={stream.topic} role="row">
                <td role="cell" className="mono">
                  {stream.topic}
                </td>
                <td role="cell" data-label="Lag, records" className="right num">
                  {stream.lag === null ? 'not known' : count(stream.lag)}
                </td>
                <td
                  role="cell"
                  data-label="Watermark behind"
                  className={`right num ${stream.keeps_watermark ? '' : 'dim'}`}
                >
                  {!stream.keeps_watermark
                    ? 'none kept'
                    : stream.behind === null
                      ? 'none yet'
                      : `${(stream.behind / 1_000).toFixed(1)} s`}
                </td>
                <td role="cell" className="right no-phone">
                  {stream.partitions.length > 0 && (
                    <span
                      className={`partitions tone-${stream.verdict === 'look' ? 'warn' : 'plain'}`}
                      role="img"
                      aria-label={partitionWords(stream)}
                    >
                      {stream.partitions.slice(0, 24).map((behind, at) => (
                        <i key={at} style={{ height: `${2 + (behind / highest) * 16}px` }} />
                      ))}
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="todo">
        {worst === 'look' ? (
          <>
            <b>What to do.</b> {[...new Set(streams.flatMap(({ todo }) => todo ?? []))].join(' ')}
          </>
        ) : (
          <>
            Worth a look: a watermark more than 10 s behind, since silence proves nothing while a stream stands still,
            and more than 1,000 records that wait for five minutes without becoming fewer.
          </>
        )}
      </div>
    </Card>
  );
}

function partitionWords({ partitions, behind }: StreamHealth): string {
  return `${counted(partitions.length, 'partition')}, the slowest ${((behind ?? 0) / 1_000).toFixed(1)} s behind`;
}
