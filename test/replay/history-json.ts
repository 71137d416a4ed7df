import { createRequire } from 'node:module';
import type proto from '@temporalio/proto';

/**
 * Histories as the JSON that Temporal's own tools read and write. As
 * `historyToJSON` and `historyFromJSON` of @temporalio/common, which fail with
 * "type must be a Type" where npm has installed more than one protobufjs: here
 * it is always the one that made the types.
 */

export type History = proto.temporal.api.history.v1.IHistory;
interface HistoryType {
  readonly brand: unique symbol;
}
interface ProtoJson {
  toJson(type: HistoryType, message: History): unknown;
  fromJson(type: HistoryType, json: unknown, options: { ignoreUnknownFields: boolean }): History;
}
interface Patched {
  readonly patchProtobufRoot: (root: typeof proto) => { lookupType(name: string): HistoryType };
}

const require = createRequire(import.meta.url);
const protocol = require('@temporalio/proto') as typeof proto;
const json = createRequire(require.resolve('@temporalio/proto'))('protobufjs/ext/protojson') as ProtoJson;
const { patchProtobufRoot } = require('@temporalio/proto/lib/patch-protobuf-root') as Patched;
const type = patchProtobufRoot(protocol).lookupType('temporal.api.history.v1.History');

export function toJson(history: History): unknown {
  return json.toJson(type, protocol.temporal.api.history.v1.History.fromObject(history));
}

export function fromJson(history: unknown): History {
  return json.fromJson(type, history, { ignoreUnknownFields: true });
}
