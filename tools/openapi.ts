import { fastify } from 'fastify';
import { pino } from 'pino';
import { loadContracts } from '../src/contracts/load.js';
import { createPool } from '../src/registry/pool.js';
import { registryReader } from '../src/server/sources/registry-reader.js';
import { readApi } from '../src/server/v1/read-api.js';

/** The read API's own description, as a server with the shipped contract gives it. */
export async function openApi(): Promise<string> {
  const { compiled, retention } = loadContracts();
  // A pool connects with its first question, and the description asks none.
  const pool = createPool('postgresql://localhost/');
  const app = fastify();
  await app.register(readApi, {
    prefix: '/v1',
    registry: registryReader(pool, compiled),
    states: compiled.orchestrator.states,
    kept_seconds: retention.ended_seconds,
    logger: pino({ level: 'silent' }),
  });
  const { body } = await app.inject('/v1/openapi.json');
  await Promise.all([app.close(), pool.end()]);
  return body;
}
