/** The embedded servers: found or provisioned, started, watched and stopped. */
export { askOwner, type OwnerReply, type OwnerRequest, type ServerStatus } from './control.js';
export type { ServerExit } from './managed.js';
export { checkPrerequisites } from './plan.js';
export { createSearchAttributes, createTopics } from './prepare.js';
export { progressReporter, type ProgressReporter } from './progress.js';
export { startStack, type RunningStack, type StackOptions } from './stack.js';
export { provisionTestServer } from './testServer.js';
export { SERVER_NAMES, type Addresses, type ServerName } from './state/servers.js';
export { StackError } from './state/errors.js';
export type { OnProgress, StackEvent, StackLogger } from './types.js';
export { wipe } from './wipe.js';
