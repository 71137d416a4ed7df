import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { ReconciliationCounts } from '../../../../src/bridge/reconciliation/counts.js';
import { DIFFERENCE_KINDS } from '../../../../src/bridge/reconciliation/differences.js';
import { addReconciliationMetrics } from '../../../../src/bridge/reconciliation/metrics.js';

const COUNTS: ReconciliationCounts = {
  at: '2026-01-31T12:00:00.500Z',
  seconds: 5.25,
  rows: 40,
  entries: 39,
  differences: { ended: 2, not_in_consul: 3 },
  outcomes: { signalled: 3, removed: 2 },
};

/** Samples by name and labels, as Prometheus reads them. */
async function samples(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name = '', value]) => [name, Number(value)]));
}

describe('the metrics of the reconciliation', () => {
  it('show the last one: when, how long, how many, every kind of difference, and what became of them', async () => {
    const registry = new Registry();
    addReconciliationMetrics(registry, () => COUNTS);
    expect(await samples(registry)).toEqual({
      registrar_reconciliation_timestamp_seconds: Date.UTC(2026, 0, 31, 12) / 1_000 + 0.5,
      registrar_reconciliation_duration_seconds: 5.25,
      'registrar_reconciliation_nodes{place="registry"}': 40,
      'registrar_reconciliation_nodes{place="consul"}': 39,
      ...Object.fromEntries(
        Object.keys(DIFFERENCE_KINDS).map((kind) => [`registrar_reconciliation_differences{kind="${kind}"}`, 0]),
      ),
      'registrar_reconciliation_differences{kind="ended"}': 2,
      'registrar_reconciliation_differences{kind="not_in_consul"}': 3,
      'registrar_reconciliation_mended{outcome="signalled"}': 3,
      'registrar_reconciliation_mended{outcome="removed"}': 2,
    });
  });

  it('say in words what they are', async () => {
    const registry = new Registry();
    addReconciliationMetrics(registry, () => null);
    const helps = [...(await registry.metrics()).matchAll(/^# HELP registrar_reconciliation_(\S+) (.*)$/gm)];
    expect(Object.fromEntries(helps.map(([, name, help]) => [name, help]))).toEqual({
      timestamp_seconds: 'when Consul and the registry were compared last, in Unix time',
      duration_seconds: 'how long the last comparison took, what it mended included',
      nodes: 'nodes that the last comparison found',
      differences: 'nodes about which Consul and the registry differed',
      mended: 'what became of the differences',
    });
  });

  it('show nothing of a bridge that has done none, and of each kind what the newest one has found', async () => {
    let last: ReconciliationCounts | null = null;
    const registry = new Registry();
    addReconciliationMetrics(registry, () => last);
    expect(await samples(registry)).toEqual({});
    last = COUNTS;
    await samples(registry);
    last = { ...COUNTS, rows: 41, outcomes: { held: 5 } };
    const shown = await samples(registry);
    expect(shown['registrar_reconciliation_nodes{place="registry"}']).toBe(41);
    expect(Object.keys(shown).filter((name) => name.includes('mended'))).toEqual([
      'registrar_reconciliation_mended{outcome="held"}',
    ]);
    last = null;
    expect(await samples(registry)).toEqual({});
  });
});
