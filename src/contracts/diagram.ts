import type { Condition, Machine } from './compiled.js';

/**
 * A state machine as a Mermaid state diagram (mermaid.js.org, stateDiagram-v2):
 * one arrow a transition, with its trigger and conditions. A trigger that every
 * state which is not terminal shares is drawn from a note instead, to stay readable.
 */
export function mermaidOf(machine: Machine): string {
  const states = Object.entries(machine.states);
  const everywhere = sharedTriggers(machine);
  const lines = ['stateDiagram-v2', `    [*] --> ${machine.initial}`];
  for (const [name, state] of states) {
    for (const [trigger, transition] of Object.entries(state.transitions)) {
      if (everywhere.has(trigger)) continue;
      const conditions = transition.conditions.map(conditionText);
      lines.push(
        `    ${name} --> ${transition.to}: ` +
          `${[trigger, ...(conditions.length > 0 ? [`[${conditions.join(', ')}]`] : [])].join(' ')}`,
      );
    }
    if (state.terminal) lines.push(`    ${name} --> [*]`);
  }
  for (const [trigger, to] of everywhere)
    lines.push(`    note right of ${to}: from every state that is not terminal, on ${trigger}`);
  return lines.join('\n');
}

function sharedTriggers(machine: Machine): Map<string, string> {
  const open = Object.values(machine.states).filter((state) => !state.terminal);
  const [first] = open;
  const shared = Object.entries(first?.transitions ?? {}).filter(
    ([trigger, { to }]) => open.length > 2 && open.every((state) => state.transitions[trigger]?.to === to),
  );
  return new Map(shared.map(([trigger, { to }]) => [trigger, to]));
}

function conditionText({ field, operator, value }: Condition): string {
  const shown = Array.isArray(value) ? `[${value.join(', ')}]` : value === undefined ? '' : String(value);
  return [field, operator, shown].filter((part) => part !== '').join(' ');
}
