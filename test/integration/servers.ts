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

function address(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new Error(`${variable} is not set: test/global-setup.ts starts the servers and sets it`);
  return value;
}
