/** What a worker can run. */
export { registration } from './registration.js';
