import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../../config/index.js';
import { findNodeIds } from '../../registry/rows/find-node-ids.js';
import { withRegistry } from '../connect.js';
import type { NodeIds } from './candidates.js';

/** More than a screen of them helps nobody. */
const MOST = 100;
/** Somebody has pressed a key and waits. */
const WITHIN_MS = 1_500;

/** Ids from the registry. A shell has no place for an error: without an answer there are none. */
export const nodeIdsOfRegistry: NodeIds = async (prefix) => {
  try {
    const found = withRegistry(loadConfig(), (pool) => findNodeIds(pool, prefix, MOST));
    return await Promise.race([found, delay(WITHIN_MS, [], { ref: false })]);
  } catch {
    return [];
  }
};
