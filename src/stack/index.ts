/** The embedded servers: found or provisioned, started, watched and stopped. */
export { askOwner } from './control.js';
export { createSearchAttributes, createTopics } from './create.js';
export { progressReporter } from './progress.js';
export { startStack, type RunningStack } from './stack.js';
export { provisionTestServer } from './testServer.js';
export { type Addresses, type ServerName } from './state/servers.js';
export type { OnProgress, StackEvent } from './types.js';
export { wipe } from './wipe.js';
