import { factsOf, type NodeFacts } from './facts.js';
import { activeAfterAck, acceptedAfterConfirmations, nothingAfterAnEnd } from './rules/order.js';
import { eachEventPublished, repeatsKeepTheirId } from './rules/events.js';
import { incarnationsEnd, livingAreActive } from './rules/ends.js';
import { drainingAfterRequest, drainsAsItAsks, knowsWhetherItDrains } from './rules/draining.js';
import { deadAreFound, nobodyExpiresFalsely } from './rules/liveness.js';
import { ackedBecomeActive } from './rules/acks.js';
import { memoryStaysFlat } from './rules/memory.js';
import { neverALowerAttempt } from './rules/attempts.js';
import { noDeadLetters, oneOpenRun, workflowsNeverFail } from './rules/runs.js';
import { catalogHoldsNobodyElse, storesAgree } from './rules/stores.js';
import type { Snapshot } from './snapshot.js';

/** What a rule finds wrong, as sentences; nothing where all is well. */
type OfNode = (node: NodeFacts, snapshot: Snapshot) => readonly string[];
type OfAll = (snapshot: Snapshot) => readonly string[];

/** Rules about one node. */
const NODE_RULES = {
  'an incarnation ends ACTIVE, DRAINING or in a named end': incarnationsEnd,
  'who lives is ACTIVE or DRAINING': livingAreActive,
  'the stores agree': storesAgree,
  'no lower attempt overwrites a higher one': neverALowerAttempt,
  'at most one open run': oneOpenRun,
  'each event at least once': eachEventPublished,
  'a repeat has the same id': repeatsKeepTheirId,
  'accepted after both confirmations': acceptedAfterConfirmations,
  'active after its ack': activeAfterAck,
  'who asks to drain is DRAINING': drainsAsItAsks,
  'draining after its request': drainingAfterRequest,
  'a node knows whether it drains': knowsWhetherItDrains,
  'nothing after an end': nothingAfterAnEnd,
  'who acknowledged in time becomes ACTIVE': ackedBecomeActive,
  'nobody expires falsely': nobodyExpiresFalsely,
  'the dead are found in time': deadAreFound,
  'the workflow never fails': workflowsNeverFail,
} as const satisfies Readonly<Record<string, OfNode>>;

/** Rules about everything. */
const RULES = {
  'Consul holds nobody else': catalogHoldsNobodyElse,
  'no valid message becomes a dead letter': noDeadLetters,
  'memory stays flat': memoryStaysFlat,
} as const satisfies Readonly<Record<string, OfAll>>;

export type Rule = keyof typeof NODE_RULES | keyof typeof RULES;

export const ALL_RULES = [...Object.keys(NODE_RULES), ...Object.keys(RULES)] as readonly Rule[];

export interface Violation {
  readonly rule: Rule;
  /** null where it is about no single node. */
  readonly node_id: string | null;
  readonly what: string;
}

/** Compares what the servers hold with each other and with what was done to the nodes. */
export function check(snapshot: Snapshot): readonly Violation[] {
  const nodes = factsOf(snapshot);
  const ofNodes = Object.entries(NODE_RULES).flatMap(([rule, find]) =>
    nodes.flatMap((node) => find(node, snapshot).map((what) => ({ rule: rule as Rule, node_id: node.node_id, what }))),
  );
  const ofAll = Object.entries(RULES).flatMap(([rule, find]) =>
    find(snapshot).map((what) => ({ rule: rule as Rule, node_id: null, what })),
  );
  return [...ofNodes, ...ofAll];
}
