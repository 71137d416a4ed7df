import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';

interface MadeSchema {
  additionalProperties?: unknown;
  format?: string | undefined;
  pattern?: unknown;
}

const toJson = {
  zodToJsonConfig: {
    override: ({ jsonSchema }: { jsonSchema: MadeSchema }): void => {
      // Readers must bear fields that come later, so nothing is said about further ones.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // A time's format says it; zod adds its pattern, which nobody can read.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  },
};
const withComponents = createJsonSchemaTransformObject(toJson);

/** How the OpenAPI document is made of the routes and their schemas. */
export const DOCUMENT: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'node-registrar',
      version: '1.0.0',
      description:
        'Reads the registry: who is there, who can be used, and what changes. Served by `registrar ui`, beside the ' +
        'fleet page. It authenticates nobody: put a proxy in front of it where others can reach it.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://localhost:7300' }],
    tags: [{ name: 'nodes' }, { name: 'changes' }],
  },
  transform: createJsonSchemaTransform(toJson),
  transformObject: (document) => {
    const whole = withComponents(document);
    // What is only answered is not described a second time as something that is sent.
    const answered = Object.entries(('components' in whole && whole.components?.schemas) || {}).filter(
      ([name]) => !name.endsWith('Input'),
    );
    return { ...whole, components: { schemas: Object.fromEntries(answered) } };
  },
};

export const CHANGES_IN_WORDS = `An event stream (\`text/event-stream\`). Without a cursor it begins with every node.

| event | data | means |
| --- | --- | --- |
| \`node\` | a Node | it is new, or has changed: as it is now |
| \`removed\` | \`node_id\` | the registry has forgotten it, long after its end |
| \`current\` | \`at\` | everything up to then has been sent; at least every 15 s |
| \`reset\` | \`reason\` | the cursor cannot be used: everything comes again, and who does not is gone |

The id of each event is a cursor. A reader that comes back with the last one, as \`Last-Event-ID\` or \`cursor\`, misses
nothing; it may read a change twice. Heartbeats are no changes. With \`Accept: application/json\` the answer is one page
of changes instead, and a cursor that cannot be used is refused with 410.`;
