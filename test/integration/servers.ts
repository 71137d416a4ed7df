import type { Pool } from 'pg';

/** Addresses of the servers that all integration tests of one run share; started by test/global-setup.ts. */
export interface Servers {
  readonly temporalAddress: string;
  readonly kafkaBrokers: string[];
  readonly consulAddress: string;
  readonly databaseUrl: string;
}

export function servers(): Servers {
  return {
    temporalAddress: address('TEMPORAL_ADDRESS'),
    kafkaBrokers: address('KAFKA_BROKERS').split(','),
    consulAddress: address('CONSUL_HTTP_ADDR'),
    databaseUrl: address('DATABASE_URL'),
  };
}

/** Self-preservation counts the fleet as a whole: what other files have left dead in the tables would be part of it. */
export async function forgetFleet(pool: Pool): Promise<void> {
  await pool.query('truncate node_leases, lease_expiries, liveness_brake');
}

function address(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new Error(`${variable} is not set: test/global-setup.ts starts the servers and sets it`);
  return value;
}
