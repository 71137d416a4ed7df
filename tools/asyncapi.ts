import { z } from 'zod';
import { stringify } from 'yaml';
import { plainEventType } from '../src/bridge/bridge-topics.js';
import { loadContracts, type Contracts } from '../src/contracts/load.js';
import { ackFields } from '../src/protocol/ack.js';
import { DEAD_LETTER_CODES } from '../src/protocol/dead-letter.js';
import { drainRequestFields } from '../src/protocol/drain-request.js';
import { correlationId, nodeId, timestamp } from '../src/protocol/fields.js';
import { COSMETIC } from '../src/protocol/heartbeat.js';
import { introspectionFields } from '../src/protocol/introspection.js';
import { publishedEventType, publishedSchemas } from '../src/protocol/published.js';
import { SIGNATURE } from '../src/protocol/signature.js';

/** Every topic and message as an AsyncAPI 3 document, from the contract and the schemas of the wire. */

type Json = Readonly<Record<string, unknown>>;

const cosmetic = Object.fromEntries(Object.entries(COSMETIC).map(([name, schema]) => [name, schema.nullish()]));

/** What the registrar reads, by the plain name of its event: bare, or as the payload of an envelope. */
const READ: Readonly<Record<string, { readonly schemas: readonly z.ZodType[]; readonly summary: string }>> = {
  NodeIntrospection: {
    schemas: Object.values(introspectionFields),
    summary: 'A node introduces itself, changes, or leaves (reason shutdown).',
  },
  NodeRegistrationAcked: { schemas: [ackFields], summary: 'A node acknowledges that it was accepted.' },
  NodeHeartbeat: {
    schemas: [z.object({ node_id: nodeId }), z.object(cosmetic)],
    summary: 'A node is alive. Only its node_id counts.',
  },
  NodeDrainRequested: { schemas: [drainRequestFields], summary: 'A node asks to be drained, or to be found again.' },
};

const SENT: Readonly<Record<keyof typeof publishedSchemas, string>> = {
  NodeRegistrationInitiated: 'A registration attempt has begun.',
  NodeRegistrationAccepted: 'Both backends hold the node; it acknowledges until ack_deadline.',
  NodeRegistrationRejected: 'The node is not registered.',
  NodeRegistrationAckReceived: 'The acknowledgement counts.',
  NodeRegistrationAckTimedOut: 'There was no acknowledgement in time.',
  NodeBecameActive: 'Others find the node from now on.',
  NodeLivenessExpired: 'There was no heartbeat in time; the attempt has ended.',
  NodeDraining: 'Others find the node no more; it stays registered.',
  NodeDeregistered: 'The attempt has ended: the node left, or was made to.',
  RequestIntrospection: 'The registrar does not know this node: it is to introduce itself.',
};

const id = z.string().describe('1 to 128 printable ASCII characters without blanks.');
const instance = {
  instance_id: id.optional().describe('The process of the node, where it says who it is.'),
  traceparent: z.string().optional().describe('W3C trace context.'),
};
const sentHeaders = z.object({
  message_id: z.uuid(),
  correlation_id: id,
  event_type: z.string(),
  source: z.string(),
  timestamp,
  ...instance,
  supersedes: z.string().optional().describe('Correlation_ids of the attempts before this one, oldest first.'),
});
const readHeaders = z.looseObject({
  ...instance,
  [SIGNATURE]: z.string().optional().describe('Detached JWS by the key of the node; docs/nodes.md says of what.'),
});
const deadLetterHeaders = z.looseObject({
  event_type: z.string(),
  code: z.enum(Object.keys(DEAD_LETTER_CODES)),
  reason: z.string(),
  node_id: z.string().optional(),
  original_topic: z.string(),
  original_partition: z.string().optional(),
  original_offset: z.string().optional(),
  original_timestamp: z.string().optional(),
});
const markerHeaders = z.object({
  'registrar-marker': z.string().describe('Padded with blanks to the size of a heartbeat.'),
});

/** AsyncAPI's own dialect is JSON Schema's draft 7. A format says what zod's pattern for it says. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return json;
}

/** Several schemas of one payload as one. */
function together(schemas: readonly z.ZodType[]): Json {
  const all = schemas.map(schemaOf) as { properties?: Json; required?: readonly string[] }[];
  const required = all.flatMap((one) => one.required ?? []);
  return { type: 'object', properties: Object.assign({}, ...all.map((one) => one.properties ?? {})) as Json, required };
}

const reference = (kind: 'schemas' | 'messages', name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

/** The envelope around a payload: what is more in it is not needed. */
function envelope(payload: Json, eventType: string, isOurs: boolean): Json {
  const ids = schemaOf(z.object({ envelope_id: z.uuid(), correlation_id: correlationId.nullish() })) as {
    properties: Json;
  };
  const ours = {
    envelope_timestamp: schemaOf(timestamp),
    event_type: { const: eventType },
    payload_type: { const: `Model${eventType}` },
    source_tool: { type: 'string' },
    metadata: {
      type: 'object',
      properties: { tags: { type: 'object', additionalProperties: { type: 'string' } } },
      required: ['tags'],
    },
  };
  return {
    type: 'object',
    properties: { payload, ...ids.properties, ...(isOurs ? ours : {}) },
    required: ['payload', ...(isOurs ? ['envelope_id', ...Object.keys(ours)] : [])],
  };
}

const keyed = { kafka: { key: { type: 'string', description: 'node_id: what is about one node stays in order.' } } };

interface Topic {
  readonly template: string;
  readonly action: 'receive' | 'send';
  readonly message: string;
}

/** "{env}.{namespace}.onex.evt.node-heartbeat.v1" is the channel "node-heartbeat". */
const channelOf = (template: string): string => template.split('.').at(-2) ?? template;

function topicsOf({ consumed, topics, compiled }: Contracts): Topic[] {
  const read = consumed.map(({ topic: template, event_type }) => {
    const name = plainEventType(event_type);
    if (READ[name] === undefined)
      throw new Error(`tools/asyncapi.ts has no schema for the consumed event ${event_type}`);
    return { template, action: 'receive', message: name } as const;
  });
  const sent = Object.entries(topics).map(([action, template]) => {
    const message = publishedEventType(compiled.events[action]?.event_type ?? '');
    return { template, action: 'send', message: message ?? plainEventType(action) } as const;
  });
  return [...read, ...sent];
}

/** The document, as YAML. */
export function asyncApi(contracts: Contracts = loadContracts()): string {
  const topics = topicsOf(contracts);
  const [schemas, messages]: [Record<string, Json>, Record<string, Json>] = [{}, {}];
  for (const [name, { schemas: read, summary }] of Object.entries(READ)) {
    schemas[name] = together(read);
    const payload = { anyOf: [envelope(reference('schemas', name), name, false), reference('schemas', name)] };
    messages[name] = { summary, payload, headers: schemaOf(readHeaders), bindings: keyed };
  }
  for (const [name, schema] of Object.entries(publishedSchemas)) {
    schemas[name] = schemaOf(schema);
    const payload = envelope(reference('schemas', name), name, true);
    messages[name] = {
      summary: SENT[name as keyof typeof SENT],
      payload,
      headers: schemaOf(sentHeaders),
      bindings: keyed,
    };
  }
  messages['dead_letter'] = {
    summary: 'A record that could not be used, byte for byte, and in its headers where it was read and why it is here.',
    contentType: 'application/octet-stream',
    payload: {},
    headers: schemaOf(deadLetterHeaders),
  };
  messages['marker'] = {
    summary: 'A record without a value, sent into an idle partition and read back. Readers pass over it.',
    payload: { type: 'null' },
    headers: schemaOf(markerHeaders),
  };
  return stringify(
    {
      asyncapi: '3.0.0',
      info: {
        title: 'node-registrar',
        version: contracts.compiled.version.replace(/\+.*/, ''),
        description:
          'What nodes and the registrar send each other over Kafka, as the shipped contract names it. The registrar ' +
          'receives bare payloads and envelopes; what it sends is an envelope. Readers bear fields that they do not ' +
          'know.',
        license: { name: 'MIT' },
      },
      defaultContentType: 'application/json',
      ...channelsAndOperations(topics),
      components: { schemas, messages },
    },
    { aliasDuplicateObjects: false },
  );
}

/** Topics in which silence means something are sent markers, too. */
const MARKED = ['NodeHeartbeat', 'NodeRegistrationAcked'];

function channelsAndOperations(topics: readonly Topic[]): Json {
  const parameters = {
    env: { description: 'REGISTRAR_ENV.', default: 'dev' },
    namespace: {
      description: 'REGISTRAR_NAMESPACE. Where it is empty, it and the dot after it are left out.',
      default: '',
    },
  };
  const channels: Record<string, Json> = {};
  const operations: Record<string, Json> = {};
  for (const { template, action, message } of topics) {
    const name = channelOf(template);
    const carried = MARKED.includes(message) ? [message, 'marker'] : [message];
    channels[name] = {
      address: template,
      parameters,
      messages: Object.fromEntries(carried.map((one) => [one, reference('messages', one)])),
    };
    const at = (one: string): Json => ({ $ref: `#/channels/${name}/messages/${one}` });
    const channel = { $ref: `#/channels/${name}` };
    operations[`${action}-${name}`] = { action, channel, messages: [at(message)] };
    if (carried.includes('marker')) operations[`mark-${name}`] = { action: 'send', channel, messages: [at('marker')] };
  }
  return { channels, operations };
}
