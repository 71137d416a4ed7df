import { z } from 'zod';
import { isPrintable } from './fields.js';
import { isObject } from './json.js';

const MAX_CAPABILITIES = 256;
const MAX_NAME = 128;

/**
 * Settings inside `declared_capabilities` of existing nodes: a `true` in there is an option, not something the node can
 * do.
 */
const SETTINGS = new Set(['config', 'mcp', 'feature_flags']);

/**
 * What a node can do, as a sorted list of names without repetition. The names
 * are the items of a list; in an object of flags the names that are true
 * (nested ones with their path, "storage.read") and the items of its lists;
 * discovered operations; the capability tags of its contract. Numbers and
 * other settings are no capabilities.
 */
export const capabilityFields = z
  .object({
    capabilities: z.unknown().optional().describe('A list of names, or an object of flags.'),
    declared_capabilities: z.unknown().optional().describe('A list of names, or an object of flags.'),
    discovered_capabilities: z.unknown().optional().describe('A list of names, or an object with operations.'),
    contract_capabilities: z.unknown().optional().describe('A list of names, or an object with capability_tags.'),
  })
  .transform((fields, context): readonly string[] => {
    const found = new Set<string>();
    const collect = (path: string, value: unknown, shape: string, names: () => Iterable<unknown>): void => {
      if (value === undefined || value === null) return;
      if (!Array.isArray(value) && !isObject(value)) {
        context.addIssue({ code: 'custom', path: [path], message: shape });
        return;
      }
      for (const name of names()) {
        if (typeof name === 'string' && name.length >= 1 && name.length <= MAX_NAME && isPrintable(name))
          found.add(name);
        else
          context.addIssue({ code: 'custom', path: [path], message: `names of 1 to ${MAX_NAME} printable characters` });
      }
    };
    const { capabilities, declared_capabilities, discovered_capabilities, contract_capabilities } = fields;
    const FLAGS = 'a list of names, or an object of flags';
    collect('capabilities', capabilities, FLAGS, () => declared(capabilities));
    collect('declared_capabilities', declared_capabilities, FLAGS, () => declared(declared_capabilities));
    collect('discovered_capabilities', discovered_capabilities, 'a list of names, or an object with operations', () =>
      listed(discovered_capabilities, 'operations'),
    );
    collect('contract_capabilities', contract_capabilities, 'a list of names, or an object with capability_tags', () =>
      listed(contract_capabilities, 'capability_tags'),
    );
    if (found.size > MAX_CAPABILITIES)
      context.addIssue({ code: 'custom', path: ['capabilities'], message: `at most ${MAX_CAPABILITIES} of them` });
    return [...found].sort();
  });

function* declared(value: unknown, prefix = ''): Generator<unknown> {
  if (Array.isArray(value)) yield* value as unknown[];
  else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (prefix === '' && SETTINGS.has(name) && inner !== true) continue;
      if (inner === true) yield prefix + name;
      else yield* declared(inner, `${prefix}${name}.`);
    }
  }
}

function listed(value: unknown, field: string): Iterable<unknown> {
  const list = isObject(value) ? (value[field] ?? []) : value;
  return Array.isArray(list) ? (list as unknown[]) : [list];
}

/** Fields of the existing nodes' capability model that are no flags; a flag of that name would not be understood. */
const NO_FLAGS = new Set(['batch_size', 'max_batch', 'supported_types', ...SETTINGS]);

/** Capability names as the object of flags that existing nodes read; their model takes any further flag. */
export function flagsOf(capabilities: readonly string[]): Readonly<Record<string, true>> {
  return Object.fromEntries(
    capabilities.map((name) => [NO_FLAGS.has(name) ? `capability.${name}` : name, true as const]),
  );
}
