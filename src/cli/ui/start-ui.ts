import type { Logger } from 'pino';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { contractView } from '../../server/contract/view.js';
import { serveFleet, type FleetServer } from '../../server/http/server.js';
import { openSources } from '../open-sources.js';
import { pageActions } from './page-actions.js';
import { command } from '../terminal/invocation.js';

export interface UiOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Further names under which the server answers. */
  readonly hostNames: readonly string[];
  /** People may act from the page. */
  readonly actions: boolean;
  /** Header in which a proxy names the person. */
  readonly userHeader?: string;
}

/**
 * Serves the fleet page of a configuration. Servers that are not there yet are
 * waited for: the page says which.
 *
 * @throws PageNotBuilt
 * @throws Error when the address cannot be taken
 */
export async function startUi(config: Config, options: UiOptions, log: Logger): Promise<FleetServer> {
  const contracts = loadContracts(config.contractsDir);
  const { sources, registry, registryPlace, close } = await openSources(config, contracts, log);
  try {
    const server = await serveFleet({
      sources,
      contract: contractView(contracts, config),
      env: config.env,
      namespace: config.namespace,
      logger: log,
      ...options,
      actions: options.actions ? pageActions(config) : null,
      tryCommand: command('node --id mailer-1'),
      readApi: {
        registry,
        states: contracts.compiled.orchestrator.states,
        kept_seconds: contracts.retention.ended_seconds,
      },
      fleet: { registryTodo: `Look at the database server at ${registryPlace}.` },
    });
    return {
      url: server.url,
      async close() {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await sources.close();
    await close();
    throw error;
  }
}
