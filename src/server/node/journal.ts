import type { CompiledContract } from '../../contracts/compiled.js';
import type { StepView } from '../api/node.js';
import { titleOf } from '../contract/view.js';

/** An entry of a run's journal: what the status query answers. */
export interface Entry {
  readonly at: string;
  readonly what: string;
}

/** A step with what it means for the two state machines. */
export interface ReadStep extends StepView {
  /** From which state the orchestrator came; null where the step is none of its transitions. */
  readonly from: string | null;
  /** The trigger that the step means for the reducer. */
  readonly trigger: string | null;
  /** An attempt begins with this step: its number. */
  readonly begins: number | null;
}

const PLAIN = { lane: null, detail: null, words: null, state: null, from: null, trigger: null, begins: null } as const;

/**
 * Reads an entry. The journal is written for people; what is recognised here gets its sign and its line, and
 * everything else is shown as it is written.
 */
export function readEntry({ at, what }: Entry, contract: CompiledContract): ReadStep {
  const step = { ...PLAIN, at: Date.parse(at), kind: 'other' as const, text: what };
  return (
    beginning(step, what) ??
    asked(step, what) ??
    transition(step, what, contract) ??
    confirmation(step, what, contract) ??
    refusal(step, what) ??
    published(step, what) ??
    timer(step, what) ??
    step
  );
}

type Plain = typeof PLAIN & { readonly at: number; readonly kind: 'other'; readonly text: string };

function beginning(step: Plain, what: string): ReadStep | null {
  const found = /^registration attempt (\d+) begins\b:? ?(.*)$/.exec(what);
  if (found === null) return null;
  const [, attempt = '', rest = ''] = found;
  const refused = /, refused: (.*)$/.exec(rest)?.[1] ?? null;
  const reason = /introspection \(([^)]+)\)/.exec(rest)?.[1] ?? null;
  return {
    ...step,
    kind: 'node',
    lane: 'node',
    text: reason === null ? `Registration attempt ${attempt} began` : `The node introduced itself: ${reason}`,
    detail: `registration attempt ${attempt}`,
    words: refused,
    begins: Number(attempt),
    trigger: refused === null ? 'introspection_received' : 'validation_failed',
  };
}

function asked(step: Plain, what: string): ReadStep | null {
  const found = /^(.+?) was asked for by (.*)$/s.exec(what);
  if (found === null) return null;
  const [, wish = '', who = ''] = found;
  const [, name = who, why = null] = /^(.*?): (.*)$/s.exec(who) ?? [];
  return { ...step, kind: 'person', lane: 'node', text: `${name} asked for ${wish}`, detail: why };
}

function transition(step: Plain, what: string, { orchestrator: { states } }: CompiledContract): ReadStep | null {
  const found = /^([A-Z][A-Z0-9_]*|unknown) (?:->|→) ([A-Z][A-Z0-9_]*)(?:: (.*))?$/s.exec(what);
  if (found === null) return null;
  const [, from = '', to = '', reason = null] = found;
  if (!(to in states)) return null;
  const known = from in states ? from : null;
  return {
    ...step,
    kind: 'state',
    lane: 'state',
    text: known === null ? to : `${known} → ${to}`,
    detail: reason,
    state: to,
    from: known,
  };
}

function confirmation(step: Plain, what: string, contract: CompiledContract): ReadStep | null {
  const route = Object.values(contract.effects).find(({ confirmation: name }) => name === what);
  if (route === undefined) return null;
  return {
    ...step,
    kind: 'confirmed',
    lane: route.backend,
    text: `${titleOf(route.backend)} confirmed`,
    detail: what,
    trigger: contract.confirmations[what]?.trigger ?? null,
  };
}

function refusal(step: Plain, what: string): ReadStep | null {
  const found = /^refused for good by (.*)$/s.exec(what);
  if (found === null) return null;
  return {
    ...step,
    kind: 'failed',
    text: 'A backend refused it for good',
    words: found[1] ?? null,
    trigger: 'error_received',
  };
}

function published(step: Plain, what: string): ReadStep | null {
  const found = /^published (.*)$/s.exec(what);
  return found === null ? null : { ...step, kind: 'published', lane: 'published', text: `Published ${found[1]}` };
}

function timer(step: Plain, what: string): ReadStep | null {
  const found = /^timer: (\w+)$/.exec(what);
  return found === null
    ? null
    : { ...step, kind: 'timer', text: `A timer was due: ${(found[1] ?? '').replaceAll('_', ' ')}` };
}
