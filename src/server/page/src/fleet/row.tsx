import { memo, useRef } from 'react';
import { Link } from 'wouter';
import type { ContractView } from '../../../api/contract.js';
import type { FleetNode } from '../../../api/fleet.js';
import { hrefOf, type Filters } from '../filters.js';
import { Glyph, StateGlyph } from '../glyph.js';
import { GROUPS, whatIsGoingOn } from '../sentences.js';
import { store } from '../store.js';
import { useRow, useRowTexts } from '../use.js';
import { count, cut, exact, short, stamp } from '../words.js';
import type { Group } from './list-items.js';

interface RowProps {
  readonly id: string;
  readonly top: number;
  readonly index: number;
  readonly isCursor: boolean;
  readonly contract: ContractView;
}

/** A node. It draws again when its own data change, and when one of its texts does with the time. */
export const Row = memo(function Row({ id, top, index, isCursor, contract }: RowProps) {
  const node = useRow(id);
  const first = useRef(node?.state);
  // One subscription for all that changes with the time: a list has many rows, and a scroll makes many more.
  const timed = useRowTexts(id, (now) => (node === undefined ? '' : timedTexts(node, contract, now).join(SEPARATOR)));
  if (node === undefined) return null;
  const [what = '', since = '', beat = '', left = ''] = timed.split(SEPARATOR);
  const view = store.state(node.state);
  const lastBeat = store.detail(id)?.beat ?? node.beat;
  const calm = node.look === null && (view?.tone === 'active' || view?.tone === 'left');
  return (
    <div
      className={`row columns ${calm ? 'calm' : ''} ${isCursor ? 'cursor' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      style={{ top }}
    >
      <span className={`state ${first.current === node.state ? '' : 'changed'}`} role="cell" key={node.state}>
        <StateGlyph view={view} />
        <b>{node.state}</b>
      </span>
      <span className="id mono" role="cell">
        <a href={`/nodes/${encodeURIComponent(id)}`}>{id}</a>
      </span>
      <span className="type" role="cell">
        {node.type}
      </span>
      <span className="version num" role="cell">
        {node.version}
      </span>
      <span className="what" role="cell" title={what}>
        <span className="only-phone phone-state">
          {node.state}
          {what === '' ? '' : ' · '}
        </span>
        {cut(what)}
      </span>
      <span className={`attempt num ${node.attempt > 1 ? '' : 'dim'}`} role="cell">
        {node.attempt || '–'}
      </span>
      <span
        className={`beat num ${left === '' ? 'dim' : ''}`}
        role="cell"
        title={lastBeat === null ? undefined : exact(lastBeat)}
      >
        {left === '' ? '–' : <Beat beat={beat} left={Number(left)} />}
      </span>
      <span className="since num" role="cell" title={exact(node.since)}>
        {since}
      </span>
    </div>
  );
});

const SEPARATOR = '\u0000';

/** What is going on, times in the state and since the last heartbeat, and what is left of the lease (empty without). */
function timedTexts(node: FleetNode, contract: ContractView, now: number): string[] {
  const detail = store.detail(node.id);
  const known = node.ended === null ? (detail?.lease ?? node.lease) : null;
  // A lease that was read a while ago has been renewed since, unless the registry has said otherwise.
  const isOld = known !== null && known < now && node.look !== 'silent' && store.isRegistryAway;
  const lease = isOld ? null : known;
  const beat = detail?.beat ?? node.beat;
  const when = (at: number): string => (store.hasAbsoluteTimes ? stamp(at, now, false) : short(now - at));
  // In steps of a pixel of the bar: a smaller one would draw what nobody sees.
  const left = lease === null ? '' : String(Math.round(((lease - now) / (contract.lease_seconds * 1_000)) * 50) / 50);
  return [
    whatIsGoingOn(node, detail, store.state(node.state), contract, store.isHeld, now),
    when(node.since),
    beat === null ? '–' : when(beat),
    left,
  ];
}

/** The lease as a bar that empties, and how long ago the last heartbeat was. */
function Beat({ beat, left }: { beat: string; left: number }) {
  const tone = left <= 0 ? 'expired' : left < 0.6 ? 'warn' : 'plain';
  return (
    <>
      <span
        className={`lease tone-${tone} ${left <= 0 ? 'out' : ''}`}
        style={{ backgroundSize: `${Math.max(0, Math.min(1, left)) * 100}% 100%` }}
        aria-hidden="true"
      />
      <span className="ago">{beat}</span>
    </>
  );
}

export const GroupRow = memo(function GroupRow({
  item,
  top,
  index,
  filters,
  contract,
  held,
}: {
  item: Group;
  top: number;
  index: number;
  filters: Filters;
  contract: ContractView;
  held: boolean;
}) {
  const group = item.look === 'rest' ? null : GROUPS[item.look];
  const hint =
    item.look === 'silent' && held
      ? 'Expiry is held by self-preservation: nobody is taken out of discovery.'
      : (group?.hint(contract) ?? '');
  return (
    <div className="group" role="row" aria-rowindex={index + 2} style={{ top }}>
      <span role="cell">
        {group !== null && <Glyph shape="warn" tone="warn" size={13} />}
        <b>{group?.title ?? 'Everybody else'}</b>
        <span className="num soft">{count(item.count)}</span>
        <span className="hint">{hint}</span>
        {item.folded && item.look !== 'rest' && (
          <Link className="underlined soft" href={hrefOf(filters, { look: item.look })}>
            List all {count(item.count)}
          </Link>
        )}
      </span>
    </div>
  );
});
