import { z } from 'zod';

/**
 * Intents that the registry's backends serve. An intent template in the
 * reducer's contract must fill every field of its kind's payload, and its
 * target must name the resource that the payload is about.
 */

const identity = {
  node_id: z.string().min(1),
  node_type: z.string().min(1),
  node_version: z.string().min(1),
  endpoints: z.record(z.string(), z.string()),
  correlation_id: z.string().min(1),
};

const row = {
  ...identity,
  capabilities: z.array(z.string()),
  epoch: z.number().int().nullable(),
  introspected_at: z.iso.datetime({ offset: true }),
  contract_version: z.string().min(1),
  state: z.string().min(1),
  reducer_status: z.string().min(1),
};

/** consul.register, consul.pass, consul.deregister. */
export const ConsulPayload = z.object({
  ...identity,
  service_id: z.string().min(1),
  service_name: z.string().min(1),
  tags: z.array(z.string()),
  /** Others may find the node. Runs under an older contract do not send it: then Consul's own state stays. */
  passing: z.boolean().optional(),
  /** What the check says; null: what it says of every node that passes, or does not. */
  check_output: z.string().nullish(),
});
export type ConsulPayload = z.infer<typeof ConsulPayload>;

/** postgres.upsert_registration. */
export const UpsertPayload = z.object(row);
export type UpsertPayload = z.infer<typeof UpsertPayload>;

/** postgres.update_registration: the row's state, and what becomes of the lease. */
export const UpdatePayload = z
  .object({
    ...row,
    reason: z.string().nullable(),
    lease: z.enum(['open', 'close']).nullable(),
    ack_deadline: z.iso.datetime({ offset: true }).nullable(),
    liveness_deadline: z.iso.datetime({ offset: true }).nullable(),
    /** The lease opens with this long from then on at least. Runs under an older contract do not send it. */
    first_deadline_seconds: z.number().min(0).default(0),
    window_seconds: z.number().positive(),
    /** The attempt ends here. */
    ended: z.boolean(),
  })
  .refine(({ lease, liveness_deadline }) => lease !== 'open' || liveness_deadline !== null, {
    message: 'opening a lease needs a liveness_deadline',
    path: ['liveness_deadline'],
  })
  .refine(({ lease, ended }) => lease !== 'open' || !ended, {
    message: 'a lease cannot be opened by an end',
    path: ['lease'],
  });
export type UpdatePayload = z.infer<typeof UpdatePayload>;

const consulTarget = ({ service_id }: { readonly service_id: string }): string => `consul://service/${service_id}`;
const postgresTarget = ({ node_id }: { readonly node_id: string }): string =>
  `postgres://node_registrations/${node_id}`;

/** By the activity that serves an intent: the schema of its payload, and the target that such a payload has. */
export const INTENTS = {
  'consul.register': { payload: ConsulPayload, targetOf: consulTarget },
  'consul.pass': { payload: ConsulPayload, targetOf: consulTarget },
  'consul.deregister': { payload: ConsulPayload, targetOf: consulTarget },
  'postgres.upsert_registration': { payload: UpsertPayload, targetOf: postgresTarget },
  'postgres.update_registration': { payload: UpdatePayload, targetOf: postgresTarget },
} as const;
