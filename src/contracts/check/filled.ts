import { z } from 'zod';
import { explain } from '../../protocol/explain.js';
import { INTENTS } from '../../protocol/intents.js';
import {
  COMMON_FIELDS,
  payloadOf,
  publishedEventType,
  publishedSchemas,
  type PublishedEventType,
} from '../../protocol/published.js';
import type { Template } from '../compiled.js';
import type { PublishedEventContract, ReducerContract } from '../schema.js';
import type { ContractSources, ContractPart } from '../sources.js';
import { fill, fillMap, text } from '../template.js';
import { EFFECT_HANDLERS, VARIABLES } from '../vocabulary.js';
import { namesIn } from './templates.js';
import type { Faults, YamlPath } from './faults.js';
import { fillPlacesOf, type FillPlace } from './known.js';
import { fullSample, SAMPLE_NODE, SAMPLE_TIME, sparseSample, type Sample } from './samples.js';

type Intent = ReducerContract['intents'][number];
type Map = Readonly<Record<string, Template>>;

/** What is wrong with a filled template: the field, and a sentence. */
interface Problem {
  readonly path: YamlPath;
  readonly sentence: string;
}

/**
 * Fills every template with sample values and puts it through the schema that
 * the message or intent must meet: once with everything known, and once with
 * nothing that can be null where it is filled. All names are known here.
 */
export function checkFilled(sources: ContractSources, faults: Faults): void {
  const places = fillPlacesOf(sources);
  sources.orchestrator.published_events.forEach((event, index) => {
    if (event.action === 'dead_letter') return;
    const path = ['published_events', index];
    tryOut(sources, places, event.action, faults, {
      part: 'orchestrator',
      path,
      name: event.event_type,
      type: ['event_type'],
      template: event,
      problems: (sample) => eventProblems(event, sample),
    });
  });
  sources.reducer.intents.forEach((intent, index) => {
    tryOut(sources, places, intent.action, faults, {
      part: 'reducer',
      path: ['intents', index],
      name: intent.payload.intent_type,
      type: ['payload', 'intent_type'],
      template: intent,
      problems: (sample) => intentProblems(sources, intent, sample),
    });
  });
}

interface Trial {
  readonly part: ContractPart;
  readonly path: YamlPath;
  readonly name: string;
  /** Where its type stands: another type would have another schema. */
  readonly type: YamlPath;
  readonly template: object;
  readonly problems: (sample: Sample) => readonly Problem[];
}

/** A field is reported once, for the first place at which it does not hold. */
function tryOut(
  sources: ContractSources,
  places: readonly FillPlace[],
  action: string,
  faults: Faults,
  { part, path, name, type, template, problems }: Trial,
): void {
  const reported = new Set<string>();
  const report = ({ path: field, sentence }: Problem, place: FillPlace, isSparse: boolean): void => {
    if (reported.has(field.join('.'))) return;
    reported.add(field.join('.'));
    const when = place.when === '' ? '' : ` ${place.when}`;
    const advice = adviceOn(valueAt(template, field), isSparse ? place : null);
    const message = `${name} would be refused${when}: ${sentence}; ${advice}`;
    const cause = part === 'orchestrator' && place.cause !== null ? [place.cause] : [];
    faults.addTopmost(part, [[...path, ...field], [...path, ...type], ...cause], message);
  };
  const own = places.filter((place) => place.action === action);
  for (const place of own.length > 0 ? own : [nowhere(sources, action)]) {
    for (const problem of problems(fullSample(sources, place))) report(problem, place, false);
    for (const problem of problems(sparseSample(sources, place))) report(problem, place, true);
  }
}

/** @param sparse the place, where the template holds as long as everything is known */
function adviceOn(template: unknown, sparse: FillPlace | null): string {
  const names = namesIn(template);
  const unknown = names.filter((name) => sparse !== null && !([...sparse.known] as string[]).includes(name));
  if (unknown.length > 0)
    return `${unknown.map((name) => `{${name}}`).join(', ')} can be null there: name what is known`;
  const ofStates = names.some((name) => ['state', 'entering', 'previous_state'].includes(name));
  return ofStates ? "correct this template or the state's name" : 'correct this template';
}

/** An action that no state and no list names: everything counts as known. */
function nowhere({ orchestrator }: ContractSources, action: string): FillPlace {
  const state = orchestrator.state_machine.initial_state;
  return { action, known: new Set(VARIABLES), state, entering: state, previous_state: state, cause: null, when: '' };
}

function eventProblems(event: PublishedEventContract, sample: Sample): Problem[] {
  const type = publishedEventType(event.event_type) as PublishedEventType;
  const { payload = {}, stamps = {} } = event;
  const common = Object.keys({ ...payload, ...stamps }).filter((field) => COMMON_FIELDS.includes(field));
  const filled = payloadOf(
    {
      node_id: SAMPLE_NODE,
      correlation_id: String(sample.correlation_id),
      causation_id: String(sample.registration_attempt_id),
      payload: fillMap(payload as Map, sample),
      // How long a timer is says nothing about the field that it is stamped into.
      stamps: Object.fromEntries(Object.keys(stamps).map((field) => [field, 0])),
    },
    { sentAt: SAMPLE_TIME },
  );
  const placed = (field: string): YamlPath => [field in stamps ? 'stamps' : 'payload', field];
  return [
    ...common.map((field) => ({
      path: placed(field),
      sentence: `every event has its ${field} already, so that a payload may not set it`,
    })),
    ...schemaProblems(publishedSchemas[type], filled).map(({ path, sentence }) => ({
      path: placed(String(path[0])),
      sentence,
    })),
  ];
}

function intentProblems({ effect }: ContractSources, intent: Intent, sample: Sample): Problem[] {
  const route = effect.handler_routing.handlers.find(({ intent_type }) => intent_type === intent.payload.intent_type);
  const handler = EFFECT_HANDLERS[route?.handler.name as keyof typeof EFFECT_HANDLERS];
  const { payload: schema, targetOf } = INTENTS[handler.activity];
  const payload: Readonly<Record<string, unknown>> = {
    ...fillMap(intent.payload as Map, sample),
    intent_type: intent.payload.intent_type,
  };
  const problems = schemaProblems(schema, payload);
  if (problems.length > 0) return problems.map(({ path, sentence }) => ({ path: ['payload', ...path], sentence }));
  // The schemas of both backends have a node_id, and those of which the target is a service have its id.
  const { node_id, service_id } = payload as { readonly node_id: string; readonly service_id: string };
  if (node_id !== SAMPLE_NODE)
    return [
      {
        path: ['payload', 'node_id'],
        sentence: `node_id "${node_id}" is not the node whose run asks for it ("${SAMPLE_NODE}" in this sample)`,
      },
    ];
  const target = text(fill(intent.target, sample));
  const expected = targetOf({ node_id, service_id });
  if (target === expected) return [];
  return [{ path: ['target'], sentence: `the target "${target}" is not what the payload is about, "${expected}"` }];
}

function schemaProblems(schema: z.ZodType, value: Readonly<Record<string, unknown>>): Problem[] {
  const checked = schema.safeParse(value);
  if (checked.success) return [];
  return checked.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [key], sentence: `it has no field "${key}"` }))
      : [{ path: issue.path.map(String), sentence: explain(new z.ZodError([issue]), value) }],
  );
}

function valueAt(template: object, path: YamlPath): unknown {
  let value: unknown = template;
  for (const key of path) value = (value as Record<string | number, unknown> | undefined)?.[key];
  return value;
}
