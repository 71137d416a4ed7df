import { join } from 'node:path';
import type { Config } from '../../config/index.js';
import { ConsulClient } from '../../registry/consul/client.js';
import { datacenterOf } from '../../registry/consul/datacenter.js';
import { ConsulError } from '../../registry/consul/error.js';
import { runningState } from '../../stack/state/state.js';
import { SEARCH_ATTRIBUTES, workflowId } from '../../../workflows/messages.js';

/** Where everything that runs here writes its log lines: a file each. */
export function logsDirectory({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'logs');
}

/** A start does not wait longer for an address that is a help and no more. */
const ANSWER_WITHIN_MS = 1_000;

/** Where a person can look with a browser. */
export interface Links {
  /** Temporal's web UI, on the registrations; null where we do not know its address. */
  readonly temporal: string | null;
  /** Consul's web UI; null where Consul is reached by a socket. */
  readonly consul: string | null;
  /** The services there; null where its datacenter is not known, which stands in their address. */
  readonly services: string | null;
}

/** Temporal's web UI is known of a server of ours; TEMPORAL_UI_ADDRESS, where somebody else's is. */
export function linksOf(config: Config, temporalUi: string | undefined = temporalUiOf(config)): Links {
  return {
    temporal:
      temporalUi === undefined
        ? null
        : `${temporalUi.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(config.temporal.namespace)}/workflows`,
    consul: config.consul.address.startsWith('unix:') ? null : `${config.consul.address}/ui`,
    services: null,
  };
}

/** The same with the pages of single services, where Consul answers now. */
export async function withServices(links: Links, config: Pick<Config, 'consul'>): Promise<Links> {
  if (links.consul === null) return links;
  const consul = new ConsulClient({ ...config.consul, timeoutMs: ANSWER_WITHIN_MS });
  try {
    return { ...links, services: `${links.consul}/${encodeURIComponent(await datacenterOf(consul))}/services` };
  } catch (error) {
    // Then links lead to the first page of Consul's web UI, which finds its datacenter by itself.
    if (error instanceof ConsulError) return links;
    throw error;
  } finally {
    consul.close();
  }
}

function temporalUiOf(config: Config): string | undefined {
  const given = process.env.TEMPORAL_UI_ADDRESS?.trim();
  if (given !== undefined && given !== '') return given;
  return config.fromEnvironment.temporal ? undefined : runningState(config.dataDir)?.addresses.temporalUi;
}

/** One node's registration in Temporal's web UI. */
export function workflowLink(links: Links, nodeId: string): string | null {
  return links.temporal === null ? null : `${links.temporal}/${encodeURIComponent(workflowId(nodeId))}`;
}

/** All runs of a node in Temporal's web UI. */
export function runsLink(links: Links, nodeId: string): string | null {
  const query = `${SEARCH_ATTRIBUTES.node_id.name}="${nodeId}"`;
  return links.temporal === null ? null : `${links.temporal}?query=${encodeURIComponent(query)}`;
}

/** A node's service in Consul's web UI, or its first page where the service's is not known. */
export function serviceLink({ services, consul }: Links, nodeType: string): string | null {
  return services === null ? consul : `${services}/onex-${encodeURIComponent(nodeType)}/instances`;
}
