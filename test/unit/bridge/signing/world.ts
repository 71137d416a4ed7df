import { acks } from '../../../../src/bridge/acks.js';
import type { StreamKind } from '../../../../src/bridge/bridge-topics.js';
import { drainRequests } from '../../../../src/bridge/drain-requests.js';
import { introspections } from '../../../../src/bridge/introspections.js';
import { heartbeats } from '../../../../src/bridge/liveness/heartbeats.js';
import { IntrospectionRequests } from '../../../../src/bridge/liveness/introspection-requests.js';
import type { KeyDirectory } from '../../../../src/bridge/signing/key-directory.js';
import { Signing } from '../../../../src/bridge/signing/signing.js';
import type { IncomingRecord, RecordBatch } from '../../../../src/kafka/consumer.js';
import { buildAck } from '../../../../src/protocol/ack.js';
import { buildDrainRequest } from '../../../../src/protocol/drain-request.js';
import type { OutgoingRecord } from '../../../../src/protocol/envelope.js';
import { buildHeartbeat } from '../../../../src/protocol/heartbeat.js';
import { buildIntrospection, type Reason } from '../../../../src/protocol/introspection.js';
import { fakeTemporal } from '../fake-temporal.js';
import { batchOf, bridgeWorld, event, watermarks } from '../support.js';
import { keyRegistry } from './key-registry.js';

export type Mode = 'off' | 'warn' | 'enforce';

const node = { node_type: 'effect', node_version: '1.0.0' } as const;
let correlations = 0;

/** A message of a node, of each kind; a goodbye is an introspection. */
export const messageOf = {
  introspection: (node_id: string, reason: Reason = 'startup'): OutgoingRecord => {
    const correlation_id = `c-${(correlations += 1)}`;
    return buildIntrospection(
      { ...node, node_id, correlation_id, endpoints: {}, capabilities: [], reason },
      new Date(),
    );
  },
  goodbye: (node_id: string): OutgoingRecord => messageOf.introspection(node_id, 'shutdown'),
  ack: (node_id: string): OutgoingRecord => buildAck({ node_id, correlation_id: 'c-1' }, new Date()),
  drain: (node_id: string): OutgoingRecord =>
    buildDrainRequest({ node_id, correlation_id: 'c-1', draining: true, reason: null }, new Date()),
  heartbeat: (node_id: string): OutgoingRecord => buildHeartbeat({ ...node, node_id, uptime_seconds: 1 }, new Date()),
};

export type Kind = keyof typeof messageOf;

const STREAMS: Readonly<Record<Kind, StreamKind>> = {
  introspection: 'introspections',
  goodbye: 'introspections',
  ack: 'acks',
  drain: 'drains',
  heartbeat: 'heartbeats',
};

/** A bridge that looks at signatures, over a Temporal and a registry in memory. */
export function signingWorld(mode: Mode, directory: KeyDirectory | null = null) {
  const registry = keyRegistry();
  const temporal = fakeTemporal();
  const world = bridgeWorld({ temporalClient: temporal.client, pool: registry.pool });
  const { pool, postgres, logger } = world.context;
  const signing = mode === 'off' ? null : new Signing({ pool, postgres, logger, mode, directory });
  const context = { ...world.context, signing };
  const requests = new IntrospectionRequests(context, event('request_introspection'));
  const handlers: Readonly<Record<StreamKind, (batch: RecordBatch) => Promise<void>>> = {
    introspections: introspections(context),
    acks: acks(context, watermarks),
    drains: drainRequests(context),
    heartbeats: heartbeats(context, { window_seconds: 90, watermarksOf: watermarks, requests }),
  };
  return {
    ...world,
    context,
    registry,
    temporal,
    signing,
    /** Reads these records, and gives the offsets of those that are done. */
    async read(kind: Kind, ...records: readonly IncomingRecord[]): Promise<ReadonlySet<string>> {
      const { batch, done } = batchOf([]);
      await handlers[STREAMS[kind]]({ ...batch, records });
      return done;
    },
    /** How many messages have had an effect. */
    effects: () => temporal.signals.length + registry.renewed.flat().length,
    refused: () => context.deadLetters.counts().get('not_from_its_node') ?? 0,
    faults: () =>
      Object.fromEntries(
        (signing?.counts() ?? []).flatMap(({ kind, fault, count }) => (count > 0 ? [[`${kind} ${fault}`, count]] : [])),
      ) as Record<string, number>,
  };
}
