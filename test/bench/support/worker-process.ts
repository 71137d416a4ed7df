/** A worker exactly like ours, in a process of its own, that runs the bare workflow too. It ends with its parent. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { bundleWorkflows } from '../../../src/bundle.js';
import { loadConfig } from '../../../src/config/index.js';
import { openWorker } from '../../../src/worker.js';

process.once('disconnect', () => process.exit(1));
Runtime.install({ logger: new DefaultLogger('ERROR') });
const bundle = await bundleWorkflows(fileURLToPath(new URL('./workflows.ts', import.meta.url)));
const worker = await openWorker(loadConfig(), { bundle });
process.send?.('ready');
await worker.run();
process.exit(0);
