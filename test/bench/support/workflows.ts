/** What the worker of the registration scenario can run: ours, and what it is compared with. */
export { registration } from '../../../workflows/registration.js';
export { bare } from './bare-workflow.js';
