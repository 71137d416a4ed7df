import { useEffect, useState, type ReactNode } from 'react';
import type { ContractView } from '../../../api/contract.js';
import type { NodeView } from '../../../api/node.js';
import type { GlyphTone } from '../glyph.js';
import { MachineFigure } from './machine.js';

interface Props {
  readonly view: Pick<NodeView, 'orchestrator' | 'reducer'>;
  readonly contract: ContractView;
  /** When the attempt began. */
  readonly start: number;
  readonly tone: GlyphTone;
  readonly reducerTone: GlyphTone;
  /** What stands beside the reducer. */
  readonly children?: ReactNode;
}

/** Both state machines as the contract has them. */
export function Machines({ view, contract, start, tone, reducerTone, children }: Props) {
  const upright = useNarrow();
  const drawing = upright ? 'upright' : 'across';
  return (
    <section className={`card machines ${upright ? 'upright' : ''}`} aria-label="State machines">
      <div className="orchestrator">
        <div className="machine-title">
          <h2>Orchestrator</h2>
          <span>over the handshake and the life</span>
        </div>
        <MachineFigure
          title="Orchestrator"
          drawing={contract.orchestrator[drawing]}
          path={view.orchestrator}
          start={start}
          tone={tone}
        />
      </div>
      <div className="two">
        <div className="reducer">
          <div className="machine-title">
            <h2>Reducer</h2>
            <span>over the backends</span>
          </div>
          <div className="machine-scroll" tabIndex={0} role="region" aria-label="The reducer’s machine">
            <MachineFigure
              title="Reducer"
              drawing={contract.reducer.across}
              path={view.reducer}
              start={start}
              tone={reducerTone}
            />
          </div>
        </div>
        {children !== undefined && <div className={`now tone-${tone}`}>{children}</div>}
      </div>
    </section>
  );
}

function useNarrow(): boolean {
  const query = '(max-width: 1239px)';
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const change = (): void => setNarrow(media.matches);
    media.addEventListener('change', change);
    return () => media.removeEventListener('change', change);
  }, []);
  return narrow;
}
