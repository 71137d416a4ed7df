import type { NodeView } from '../../../api/node.js';

/** Whether there is a registration attempt to show, or it is not known that there is none. */
export function isRegistering({ node, run, unasked }: NodeView): boolean {
  return node !== null || run !== null || unasked.length > 0;
}
