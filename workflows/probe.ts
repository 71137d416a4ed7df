import { uuid4 } from '@temporalio/workflow';
import { askBackends } from './ask.js';

/**
 * Goes once through everything that a registration needs (a worker, Consul,
 * PostgreSQL, Kafka), and changes nothing: the proof that a registrar works,
 * before it says so. It asks for a node that nobody is.
 */
export async function probe(): Promise<void> {
  await askBackends(`probe-${uuid4()}`);
}
