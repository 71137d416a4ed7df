import { z } from 'zod';
import { WORKFLOW_TYPE } from '../../workflows/messages.js';

/**
 * What may reach a node's workflow, written down apart from the registrar's own parsers: nothing else may be in
 * Temporal.
 */

const printable = (most: number) => z.string().regex(new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${most}}$`, 'u'));
const ascii = z.string().regex(/^[\x21-\x7e]{1,128}$/);
const nodeId = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/);
const uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const url = printable(4_096).refine((text) => new URL(text).host !== '' && !/\s/.test(text));

const introspection = z.strictObject({
  message_id: uuid,
  correlation_id: ascii,
  node_id: nodeId,
  node_type: z.enum(['effect', 'reducer', 'orchestrator', 'compute']),
  node_version: z.string().regex(/^\d{1,9}(?:\.\d{1,9}){2}(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?$/),
  endpoints: z
    .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
    // Not z.record, which leaves out "__proto__".
    .refine((map) => Object.keys(map).length <= 65)
    .refine((map) => Object.entries(map).every(([name, one]) => printable(64).safeParse(name).success && isUrl(one))),
  capabilities: z.array(printable(128)).max(256),
  reason: z.enum(['startup', 'request', 'heartbeat', 'health_change', 'capability_change', 'shutdown']),
  epoch: z.int().min(0).nullable(),
  at: time,
  instance_id: ascii.optional(),
});

const ack = z.strictObject({
  message_id: uuid,
  node_id: nodeId,
  correlation_id: ascii,
  at: time,
  instance_id: ascii.optional(),
});

const drainRequest = z.strictObject({
  message_id: uuid,
  node_id: nodeId,
  correlation_id: ascii,
  draining: z.boolean(),
  reason: printable(500).nullable(),
  at: time,
  instance_id: ascii.optional(),
});

const SIGNALS: Readonly<Record<string, z.ZodType>> = {
  introspection: z.tuple([introspection]),
  ack: z.tuple([ack]),
  request: z.tuple([z.looseObject({ payload: drainRequest })]),
  suspect: z.tuple([]),
  repair: z.tuple([]),
};

function isUrl(value: unknown): boolean {
  try {
    return url.safeParse(value).success;
  } catch {
    return false;
  }
}

/** Something that Temporal was given for a node: a signal, or what its run was started with. */
export interface Given {
  /** The signal's name; the workflow's type for a start. */
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Why something that Temporal was given is not what may reach it; null: it is. */
export function notNormal({ name, args }: Given, node_id: string): string | null {
  const schema = name === WORKFLOW_TYPE ? z.tuple([z.looseObject({ node_id: nodeId })]) : SIGNALS[name];
  if (schema === undefined) return `nobody knows a signal ${JSON.stringify(name)}`;
  const read = schema.safeParse(args);
  if (!read.success) return `${name}: ${z.prettifyError(read.error)}`;
  const [first] = args as readonly { readonly node_id?: string; readonly payload?: { readonly node_id: string } }[];
  const id = first?.node_id ?? first?.payload?.node_id ?? node_id;
  return id === node_id ? null : `${name}: it is of ${id}`;
}
