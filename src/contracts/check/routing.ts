import { compileRow, overlap, specificity } from '../matrix.js';
import type { HandlerContract, MatrixRowContract } from '../schema.js';
import { layerOf, type ContractSources } from '../sources.js';
import { ORCHESTRATOR_HANDLERS, type HandlerName } from '../vocabulary.js';
import { choose, type Faults, type YamlPath } from './faults.js';

const at = (...path: YamlPath): YamlPath => ['handler_routing', 'handlers', ...path];

/** Handlers by name, each for the messages that it was written for, and the rows of their decision matrices. */
export function checkRouting(sources: ContractSources, faults: Faults): void {
  const { handlers } = sources.orchestrator.handler_routing;
  handlers.forEach((row, index) => {
    if (!checkHandler(row, index, faults)) return;
    const rows = row.state_decision_matrix ?? [];
    rows.forEach((decision, item) => checkRow(sources, row, decision, [index, item], faults));
    checkTies(sources, rows, row.handler, index, faults);
  });
}

/** Whether the handler is known and serves its event model. */
function checkHandler({ event_model, handler }: HandlerContract, index: number, faults: Faults): boolean {
  if (!Object.hasOwn(ORCHESTRATOR_HANDLERS, handler.name)) {
    faults.add(
      'orchestrator',
      at(index, 'handler', 'name'),
      `unknown handler "${handler.name}": ${choose(Object.keys(ORCHESTRATOR_HANDLERS))}`,
    );
    return false;
  }
  const serves = ORCHESTRATOR_HANDLERS[handler.name as HandlerName].event_model;
  if (serves === event_model.name) return true;
  faults.add(
    'orchestrator',
    at(index, 'event_model', 'name'),
    `${handler.name} handles ${serves}, not "${event_model.name}": name that model, or its own handler`,
  );
  return false;
}

function checkRow(
  { orchestrator }: ContractSources,
  { handler }: HandlerContract,
  row: MatrixRowContract,
  [index, item]: readonly [number, number],
  faults: Faults,
): void {
  const place = at(index, 'state_decision_matrix', item);
  const { distinguishes, actions } = ORCHESTRATOR_HANDLERS[handler.name as HandlerName];
  const words = Object.keys(actions);
  if (!words.includes(row.action))
    faults.add(
      'orchestrator',
      [...place, 'action'],
      `unknown action "${row.action}" of ${handler.name}: ${choose(words)}`,
    );
  for (const key of ['reason', 'incarnation'] as const) {
    if (row[key] !== undefined && !(distinguishes as readonly string[]).includes(key))
      faults.add(
        'orchestrator',
        [...place, key],
        `the messages of ${handler.name} have no ${key}, so that this row would never match: remove it`,
      );
  }
  const states = orchestrator.state_machine.states.map((state) => state.state_name);
  const known = Array.isArray(row.current_state) ? states : [...states, 'any'];
  for (const state of [row.current_state].flat())
    if (state !== null && !known.includes(state))
      faults.add('orchestrator', [...place, 'current_state'], `unknown state "${state}": ${choose(known)}`);
}

/** Two rows of one file that are equally specific about one message: it would be chance which of them decides. */
function checkTies(
  sources: ContractSources,
  decisions: readonly MatrixRowContract[],
  handler: HandlerContract['handler'],
  index: number,
  faults: Faults,
): void {
  const rows = decisions.map((row, item) => {
    const path = at(index, 'state_decision_matrix', item);
    return { row: compileRow(row, handler), path, layer: layerOf(sources, 'orchestrator', path) };
  });
  rows.forEach((one, item) => {
    for (const other of rows.slice(0, item)) {
      if (one.layer !== other.layer || specificity(one.row) !== specificity(other.row)) continue;
      const [state] = overlap(other.row, one.row);
      if (state === undefined) continue;
      const words = state === null ? 'no attempt' : state === 'any' ? 'any state' : `state "${state}"`;
      faults.add(
        'orchestrator',
        one.path,
        `this row and the one at ${faults.place('orchestrator', other.path)} match the same messages in ` +
          `${words}: keep one of them`,
      );
    }
  });
}
