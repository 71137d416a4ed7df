import { borrow } from './lending.js';
import { OWN_SERVERS, SERVERS_PORT } from './workers.js';

/**
 * Stands before each integration test file: the file finds servers that are its own for as long as it runs in the
 * environment, as every command of the registrar does. It waits here until they have started. A process that has them
 * keeps them for the next of its files.
 */
if (process.env[OWN_SERVERS] !== String(process.pid))
  Object.assign(process.env, await borrow(Number(process.env[SERVERS_PORT])), { [OWN_SERVERS]: String(process.pid) });
