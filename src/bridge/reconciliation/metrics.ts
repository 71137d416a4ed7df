import { Gauge, type Registry } from 'prom-client';
import type { ReconciliationCounts } from './counts.js';
import { DIFFERENCE_KINDS } from './differences.js';

type Values = Readonly<Partial<Record<string, number>>>;

/**
 * What a bridge shows of its comparisons of Consul with the registry.
 *
 * @param last the last one that this bridge has done; null before that, and nothing is shown
 */
export function addReconciliationMetrics(registry: Registry, last: () => ReconciliationCounts | null): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (counts: ReconciliationCounts) => number): void => {
    new Gauge({
      name: `registrar_reconciliation_${name}`,
      help,
      registers,
      collect() {
        // A reset would show a 0.
        this.remove();
        const counts = last();
        if (counts !== null) this.set(value(counts));
      },
    });
  };
  const labelled = (
    name: string,
    help: string,
    label: string,
    values: (counts: ReconciliationCounts) => Values,
  ): void => {
    new Gauge({
      name: `registrar_reconciliation_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        const counts = last();
        if (counts === null) return;
        for (const [key, value = 0] of Object.entries(values(counts))) this.set({ [label]: key }, value);
      },
    });
  };
  gauge('timestamp_seconds', 'when Consul and the registry were compared last, in Unix time', ({ at }) => {
    return Date.parse(at) / 1_000;
  });
  gauge('duration_seconds', 'how long the last comparison took, what it mended included', ({ seconds }) => seconds);
  labelled('nodes', 'nodes that the last comparison found', 'place', ({ rows, entries }) => ({
    registry: rows,
    consul: entries,
  }));
  const none: Values = Object.fromEntries(Object.keys(DIFFERENCE_KINDS).map((kind) => [kind, 0]));
  labelled('differences', 'nodes about which Consul and the registry differed', 'kind', ({ differences }) => ({
    ...none,
    ...differences,
  }));
  labelled('mended', 'what became of the differences', 'outcome', ({ outcomes }) => outcomes);
}
