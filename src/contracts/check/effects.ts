import type { EffectContract, RetryContract } from '../schema.js';
import type { ContractSources } from '../sources.js';
import { CALLS, EFFECT_HANDLERS, QUESTIONS } from '../vocabulary.js';
import { choose, type Faults, type YamlPath } from './faults.js';

const BY_NAME: Readonly<Record<string, { readonly backend: string; readonly activity: string }>> = EFFECT_HANDLERS;
const BACKENDS = [...new Set(Object.values(BY_NAME).map(({ backend }) => backend))];

/** Each intent type has one handler, on its own backend, and every retry is possible. */
export function checkEffects({ effect }: ContractSources, faults: Faults): void {
  effect.handler_routing.handlers.forEach((row, index) => {
    const path = ['handler_routing', 'handlers', index] as const;
    const handler = BY_NAME[row.handler.name];
    if (handler === undefined)
      faults.add(
        'effect',
        [...path, 'handler', 'name'],
        `unknown handler "${row.handler.name}": ${choose(Object.keys(BY_NAME))}`,
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
  checkServedOnce(effect, faults);
}

/** With two handlers for one intent type it would be chance which of them serves it. */
function checkServedOnce({ handler_routing: { handlers } }: EffectContract, faults: Faults): void {
  handlers.forEach(({ intent_type }, index) => {
    const first = handlers.findIndex((row) => row.intent_type === intent_type);
    if (first === index) return;
    const other = faults.place('effect', ['handler_routing', 'handlers', first]);
    faults.add(
      'effect',
      ['handler_routing', 'handlers', index],
      `two handlers serve intent "${intent_type}", this one and the one at ${other}: keep one of them`,
    );
  });
}

/** Local tries, calls and questions: each is there, with times that are possible. */
export function checkCalls({ effect }: ContractSources, faults: Faults): void {
  effect.calls.forEach(({ retry }, index) => checkRetry(['calls', index, 'retry'], retry, faults));
  for (const call of CALLS)
    if (!effect.calls.some((row) => row.call === call))
      faults.add('effect', ['calls'], `nothing says how "${call}" is called: add a row for it`);
  for (const question of QUESTIONS)
    if (!effect.questions.some((row) => row.question === question))
      faults.add('effect', ['questions'], `nothing says how "${question}" is asked: add a row for it`);
  const { start_to_close_seconds, schedule_to_close_seconds } = effect.local_tries;
  if (schedule_to_close_seconds < start_to_close_seconds)
    faults.addTopmost(
      'effect',
      [
        ['local_tries', 'schedule_to_close_seconds'],
        ['local_tries', 'start_to_close_seconds'],
      ],
      `all local tries together (${schedule_to_close_seconds} s) get less time than one of them ` +
        `(${start_to_close_seconds} s)`,
    );
}

function checkRetry(path: YamlPath, retry: RetryContract, faults: Faults): void {
  const { initial_interval_seconds, maximum_interval_seconds } = retry;
  if (maximum_interval_seconds >= initial_interval_seconds) return;
  faults.addTopmost(
    'effect',
    [
      [...path, 'maximum_interval_seconds'],
      [...path, 'initial_interval_seconds'],
    ],
    `the longest pause between tries (${maximum_interval_seconds} s) is shorter than the first one ` +
      `(${initial_interval_seconds} s)`,
  );
}
