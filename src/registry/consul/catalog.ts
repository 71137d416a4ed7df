import { LRUCache } from 'lru-cache';
import type { ConsulAccess } from './access.js';
import { ConsulClient } from './client.js';
import { ConsulError } from './error.js';
import {
  checkId,
  isOurs,
  nodeName,
  nodeNameIn,
  nothing,
  REGISTERED_BY,
  registrationOperations,
  type CatalogCheck,
  type CatalogNode,
  type CatalogService,
  type Held,
  type Operation,
} from './operations.js';
import { errorText } from '../../error-text.js';
import type { ConsulPayload } from '../../protocol/intents.js';
import { serviceAddress } from './service-address.js';
import { written, type Written } from '../rows/written.js';

/**
 * Registrations in Consul's catalog. Each node has a catalog node that no agent owns, its service, and a check that is
 * critical until the node is discoverable. One transaction sets all three, so that nobody ever sees a part of them.
 *
 * The fence: the catalog node carries the attempt that wrote it. Every write is a check-and-set of all three by their
 * indexes, which were read just before, or are remembered of our own last write. It fails if another process has
 * written in between. Then they are read and the write is tried once more; a second failure is the activity's, which is
 * retried.
 */

/** Registrations remembered until the node's ack comes. Of more than these the oldest are read again then. */
const REMEMBERED = 1_000;

interface TransactionResult {
  readonly Node?: CatalogNode;
  readonly Service?: CatalogService;
  readonly Check?: CatalogCheck;
}

/** A registered node, as a client of Consul finds it. */
export interface Instance {
  readonly node_id: string;
  readonly attempt: number;
  readonly service_id: string;
  readonly service_name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** "passing" while the node is discoverable; "critical" before. */
  readonly status: string;
  /** The check's output. */
  readonly output: string;
}

export class Catalog {
  readonly #client: ConsulClient;
  /** Our own last write of each node, for the next write. */
  readonly #wrote = new LRUCache<string, Held>({ max: REMEMBERED });

  /**
   * @param environment in whose name it writes. What another environment or anybody else has registered is left alone,
   *   also where it has the name of a node of ours. A catalog that is only read needs none: it reads everybody's.
   */
  constructor(
    access: ConsulAccess,
    private readonly environment = '',
  ) {
    this.#client = new ConsulClient(access);
  }

  /** Where this catalog is, for messages. */
  get url(): string {
    return this.#client.url;
  }

  /** Sets the registration, and its check as the registration says, whatever Consul holds. */
  register(attempt: number, registration: ConsulPayload, signal?: AbortSignal): Promise<Written> {
    const { passing } = registration;
    const passes = (held: Held): boolean => passing ?? (held.attempt === attempt && held.check?.Status === 'passing');
    // Before a node's first attempt there is most likely nothing.
    return this.#set(
      attempt,
      registration,
      passes,
      attempt === 1 ? nothing(nodeName(registration.node_id)) : undefined,
      signal,
    );
  }

  /** Makes the node discoverable. A registration that is gone, since Consul was wiped, is set whole. */
  pass(attempt: number, registration: ConsulPayload, signal?: AbortSignal): Promise<Written> {
    return this.#set(attempt, registration, () => true, undefined, signal);
  }

  /** Deletes the node, with its service and check. */
  async deregister(attempt: number, nodeId: string, signal?: AbortSignal): Promise<Written> {
    this.#wrote.delete(nodeId);
    const { node, attempt: holder, services, shared } = await this.#held(nodeId, signal);
    if (node === undefined || holder > attempt) return written(attempt, holder);
    const { Node, ModifyIndex } = node;
    // What others have registered on the catalog node is theirs, and needs it.
    const operations = shared
      ? services.map((own) => ({ Service: { Verb: 'delete-cas', Node, Service: own } }))
      : [{ Node: { Verb: 'delete-cas', Node: { Node, ModifyIndex } } }];
    await this.#transact(operations, signal);
    return { done: true };
  }

  /**
   * Nodes that may be given work now: those whose check passes.
   *
   * @param serviceName for example "onex-effect"; all services of ours without it
   */
  async passingInstances(serviceName?: string, signal?: AbortSignal): Promise<Instance[]> {
    const names = serviceName === undefined ? await this.#serviceNames(signal) : [serviceName];
    const found = await Promise.all(
      names.map((service) =>
        this.#client.call<readonly { Node: CatalogNode; Service: CatalogService; Checks: readonly CatalogCheck[] }[]>(
          (consul, options) => consul.health.service({ service, passing: true, ...options }),
          signal,
        ),
      ),
    );
    return found
      .flat()
      .filter(({ Node, Service }) => Node.Meta?.['registered-by'] === REGISTERED_BY && isOurs(Service))
      .filter(({ Node }) => this.#isOfUs(Node))
      .map(({ Node, Service, Checks }) =>
        instanceOf(
          Node,
          Service,
          Checks.find(({ ServiceID }) => ServiceID === Service.ID),
        ),
      );
  }

  /** One node in Consul; null if it is not there. */
  async instance(nodeId: string, signal?: AbortSignal): Promise<Instance | null> {
    const {
      node,
      services: [service],
      check,
    } = await this.#held(nodeId, signal);
    return node === undefined || service === undefined ? null : instanceOf(node, service, check);
  }

  close(): void {
    this.#client.close();
  }

  async #serviceNames(signal?: AbortSignal): Promise<string[]> {
    const services = await this.#client.call<Record<string, readonly string[]>>((consul, options) => {
      // An option that the package takes and its types leave out.
      const ours: object = { 'node-meta': `registered-by:${REGISTERED_BY}`, ...options };
      return consul.catalog.service.list(ours);
    }, signal);
    return Object.keys(services);
  }

  /**
   * What the catalog holds of a node: under the usual name, or, where somebody else has that, under one of our own. It
   * stays there when the usual name becomes free.
   */
  async #held(nodeId: string, signal?: AbortSignal): Promise<Held> {
    const usual = await this.#heldAs(nodeName(nodeId), nodeId, signal);
    if (usual.node !== undefined && this.#mayChange(usual.node, usual.services)) return usual;
    if (this.environment === '') return usual;
    const own = await this.#heldAs(nodeNameIn(this.environment, nodeId), nodeId, signal);
    return own.node === undefined && usual.node === undefined ? usual : own;
  }

  /** Whether the node belongs to our environment. One that names no environment does: earlier versions wrote none. */
  #isOfUs({ Meta }: CatalogNode): boolean {
    const environment = Meta?.['environment'];
    return this.environment === '' || environment === undefined || environment === this.environment;
  }

  /**
   * Whether we may change the catalog node: it belongs to our environment, and a registrar has written it. Others that
   * write a service beside ours may replace the node's Meta; then a service of ours still shows that it is a
   * registrar's.
   */
  #mayChange(node: CatalogNode, ours: readonly CatalogService[]): boolean {
    return this.#isOfUs(node) && (node.Meta?.['registered-by'] === REGISTERED_BY || ours.length > 0);
  }

  async #heldAs(name: string, nodeId: string, signal?: AbortSignal): Promise<Held> {
    const consistent = { consistent: true };
    // Not one snapshot, and it need not be: whatever changes between the two reads fails the check-and-set.
    const [catalog, checks] = await Promise.all([
      this.#client.call<{ Node: CatalogNode; Services: Record<string, CatalogService> | null } | null>(
        (consul, options) => consul.catalog.node.services({ node: name, ...consistent, ...options }),
        signal,
      ),
      this.#client.call<readonly CatalogCheck[]>((consul, options) => {
        // The package asks for `node`; its types say `name`.
        const node = { name, node: name, ...consistent, ...options };
        return consul.health.node(node);
      }, signal),
    ]);
    if (catalog === null) return nothing(name);
    const services = Object.values(catalog.Services ?? {});
    const own = services.filter(isOurs);
    return {
      name,
      node: catalog.Node,
      attempt: Number(catalog.Node.Meta?.['attempt'] ?? 0),
      services: own,
      shared: own.length < services.length,
      check: checks.find(({ CheckID }) => CheckID === checkId(nodeId)),
    };
  }

  /** @param guess what is likely to be there, where no write is remembered; undefined: read first */
  async #set(
    attempt: number,
    registration: ConsulPayload,
    passes: (held: Held) => boolean,
    guess: Held | undefined,
    signal?: AbortSignal,
  ): Promise<Written> {
    const { node_id } = registration;
    const likely = this.#wrote.get(node_id) ?? guess;
    this.#wrote.delete(node_id);
    if (likely !== undefined && likely.attempt <= attempt) {
      try {
        return await this.#write(likely, attempt, registration, passes, signal);
      } catch (error) {
        if (!(error instanceof ConsulError) || error.kind !== 'stale') throw error;
      }
    }
    return this.#write(await this.#held(node_id, signal), attempt, registration, passes, signal);
  }

  async #write(
    held: Held,
    attempt: number,
    registration: ConsulPayload,
    passes: (held: Held) => boolean,
    signal?: AbortSignal,
  ): Promise<Written> {
    const address = addressOf(registration);
    if (held.attempt > attempt) return written(attempt, held.attempt);

    const passing = passes(held);
    const marks = { environment: this.environment, passing };
    const results = await this.#transact(registrationOperations(held, attempt, registration, address, marks), signal);
    // A discoverable node is not written again soon.
    if (!passing) this.#remember(registration.node_id, held.name, attempt, results);
    return { done: true };
  }

  #remember(nodeId: string, name: string, attempt: number, results: readonly TransactionResult[]): void {
    this.#wrote.set(nodeId, {
      name,
      node: results.find(({ Node }) => Node)?.Node,
      attempt,
      services: results.flatMap(({ Service }) => Service ?? []),
      shared: false,
      check: results.find(({ Check }) => Check)?.Check,
    });
  }

  async #transact(operations: readonly Operation[], signal?: AbortSignal): Promise<readonly TransactionResult[]> {
    const { Results } = await this.#client.transact<{ readonly Results: readonly TransactionResult[] | null }>(
      operations,
      signal,
    );
    return Results ?? [];
  }
}

function addressOf({ endpoints }: ConsulPayload): ReturnType<typeof serviceAddress> {
  try {
    return serviceAddress(endpoints);
  } catch (error) {
    throw new ConsulError(errorText(error), 'refused');
  }
}

function instanceOf(node: CatalogNode, service: CatalogService, check: CatalogCheck | undefined): Instance {
  return {
    node_id: service.Meta?.['node_id'] ?? node.Node,
    attempt: Number(node.Meta?.['attempt'] ?? 0),
    service_id: service.ID,
    service_name: service.Service,
    address: service.Address,
    port: service.Port ?? 0,
    tags: service.Tags ?? [],
    meta: service.Meta ?? {},
    status: check?.Status ?? 'missing',
    output: check?.Output ?? '',
  };
}
