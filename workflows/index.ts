/** What a worker can run. */
export { probe } from './probe.js';
export { registration } from './registration.js';
