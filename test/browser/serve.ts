import { pino } from 'pino';
import { serveFleet, type FleetServer } from '../../src/server/http/server.js';
import type { Actions, Sources } from '../../src/server/source.js';
import { FakeRegistry } from '../unit/server/v1/fake-registry.js';
import { contract } from './fake-sources.js';

/** The real server and the built page, on sources of the test's. */
export function serve(
  sources: Sources,
  options: {
    readonly actions?: Actions;
    readonly port?: number;
    readonly everyMs?: number;
    readonly userHeader?: string;
  } = {},
): Promise<FleetServer> {
  return serveFleet({
    sources,
    contract,
    env: 'prod',
    namespace: 'eu',
    logger: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: options.port ?? 0,
    actions: options.actions ?? null,
    userHeader: options.userHeader ?? null,
    tryCommand: 'registrar node --id mailer-1',
    readApi: { registry: new FakeRegistry(), states: {}, kept_seconds: 60 },
    fleet: { everyMs: options.everyMs ?? 250, registryTodo: 'Look at the database server.' },
  });
}
