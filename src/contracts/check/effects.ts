import type { RetryContract } from '../schema.js';
import type { ContractSources } from '../sources.js';
import { EFFECT_HANDLERS } from '../vocabulary.js';
import { choose, type Faults, type Path } from './faults.js';

const HANDLERS: Readonly<Record<string, { readonly backend: string; readonly activity: string }>> = EFFECT_HANDLERS;
const BACKENDS = [...new Set(Object.values(HANDLERS).map(({ backend }) => backend))];

/** Each intent type has one handler, on its own backend, and every retry is possible. */
export function checkEffects({ effect }: ContractSources, faults: Faults): void {
  effect.handler_routing.handlers.forEach((row, index) => {
    const path = ['handler_routing', 'handlers', index] as const;
    const handler = HANDLERS[row.handler.name];
    if (handler === undefined)
      faults.add(
        'effect',
        [...path, 'handler', 'name'],
        `unknown handler "${row.handler.name}": ${choose(Object.keys(HANDLERS))}`,
      );
    if (!BACKENDS.includes(row.backend))
      faults.add('effect', [...path, 'backend'], `unknown backend "${row.backend}": ${choose(BACKENDS)}`);
    else if (handler !== undefined && handler.backend !== row.backend)
      faults.add(
        'effect',
        [...path, 'backend'],
        `${row.handler.name} serves backend "${handler.backend}", not "${row.backend}"`,
      );
    checkRetry([...path, 'retry'], row.retry, faults);
  });
}

function checkRetry(path: Path, retry: RetryContract, faults: Faults): void {
  const { initial_interval_seconds, maximum_interval_seconds } = retry;
  if (maximum_interval_seconds >= initial_interval_seconds) return;
  faults.add(
    'effect',
    [...path, 'maximum_interval_seconds'],
    `the longest pause between tries (${maximum_interval_seconds} s) is shorter than the first one (${initial_interval_seconds} s)`,
  );
}
