import { availableParallelism } from 'node:os';

const ADDRESSES = ['TEMPORAL_ADDRESS', 'KAFKA_BROKERS', 'CONSUL_HTTP_ADDR', 'DATABASE_URL'] as const;

/** How many files that keep a core busy run beside each other: one more than cores, since they also wait. */
export const BUSY_WORKERS = availableParallelism() + 1;

/**
 * How many integration files run beside each other, each on servers that no other file uses meanwhile. They wait for
 * timeouts, leases and starts more than they compute: three keep two cores busy. On servers from outside it is one:
 * the fleet is looked at as a whole, and outages are made.
 *
 * @param env the environment of the run
 */
export function integrationWorkers(env: NodeJS.ProcessEnv): number {
  return ADDRESSES.some((name) => (env[name] ?? '') !== '') ? 1 : 3;
}

/** The port on which test/global-setup.ts lends servers to integration test files. */
export const SERVERS_PORT = 'REGISTRAR_TEST_SERVERS_PORT';

/** The process that has borrowed the servers whose addresses stand beside. */
export const OWN_SERVERS = 'REGISTRAR_TEST_SERVERS_OF';

/** Where test/run/built-program.ts has built the program for this run. Without it processes run from source. */
export const BUILT_PROGRAM = 'REGISTRAR_TEST_PROGRAM';
