import { z } from 'zod';
import { effectSchema, orchestratorSchema, reducerSchema } from './schema.js';

/** Which schema is for which contract; the file names stand in the contracts' first line, for editors. */
const JSON_SCHEMAS = {
  'orchestrator.schema.json': orchestratorSchema,
  'reducer.schema.json': reducerSchema,
  'effect.schema.json': effectSchema,
} as const;

/**
 * The contracts' schemas as JSON Schema (draft 2020-12), so that YAML editors
 * complete and check them. Nothing is required: a file may hold only what it
 * changes, and what is missing comes from the shipped contract.
 */
export function jsonSchemas(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(JSON_SCHEMAS).map(([file, schema]) => {
      const json = z.toJSONSchema(schema) as { required?: unknown };
      const { required: _, ...partial } = json;
      return [file, `${JSON.stringify(partial, null, 2)}\n`];
    }),
  );
}
