import { DefaultFailureConverter } from '@temporalio/common';
import type { WorkflowBundle } from '@temporalio/worker';

/** A global of the sandbox. It shows to the code in it how its worker is configured. */
const ENCODED = '__registrar_encodes_failures';

/**
 * Part of the workflows' bundle: how the failures of workflow code are written. Where payloads are encrypted their
 * messages are payloads, as those of activities are; elsewhere they are read in Temporal's web UI as they are.
 */
export const failureConverter = new DefaultFailureConverter({
  encodeCommonAttributes: Reflect.has(globalThis, ENCODED),
});

/** The bundle of a worker that encrypts payloads. */
export function withEncodedFailures({ code }: WorkflowBundle): WorkflowBundle {
  // On its first line, so that the source map's lines stay right.
  return { code: `globalThis.${ENCODED} = true; ${code}` };
}
