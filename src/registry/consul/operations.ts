import type { ConsulPayload } from '../../protocol/intents.js';
import type { serviceAddress } from './service-address.js';

/** Marks the catalog nodes that a registrar has written. */
export const REGISTERED_BY = 'node-registrar';

/**
 * The name of a node's catalog node. Two ids never share one. Service ids need no such thing: Consul ignores their case
 * only within one catalog node.
 */
export function nodeName(nodeId: string): string {
  return `onex-${withCapitals(nodeId)}`;
}

/** The name of a node's catalog node where the usual name is somebody else's. A catalog has each name once. */
export function nodeNameIn(environment: string, nodeId: string): string {
  return `${nodeName(nodeId)}~~${withCapitals(environment)}`;
}

/**
 * Consul ignores the case of names, so a text with capitals also names their places, after a character that neither an
 * id nor an environment has.
 */
function withCapitals(text: string): string {
  const places = [...text].reduce(
    (bits, letter, place) => bits | (/[A-Z]/.test(letter) ? 1n << BigInt(place) : 0n),
    0n,
  );
  return places === 0n ? text : `${text}~${places.toString(16)}`;
}

/** A service that a registrar has written; others may have registered theirs on the same catalog node. */
export function isOurs({ Meta }: Pick<CatalogService, 'Meta'>): boolean {
  return Meta?.['node_id'] !== undefined && Meta['correlation_id'] !== undefined;
}

export const checkId = (nodeId: string): string => `${nodeName(nodeId)}:registration`;

export interface CatalogNode {
  readonly Node: string;
  readonly Address: string;
  readonly Meta: Readonly<Record<string, string>> | null;
  readonly ModifyIndex: number;
}

export interface CatalogService {
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[] | null;
  readonly Address: string;
  /** Left out by some endpoints where it is 0. */
  readonly Port?: number;
  readonly Meta: Readonly<Record<string, string>> | null;
  readonly ModifyIndex: number;
}

export interface CatalogCheck {
  readonly CheckID: string;
  readonly ServiceID: string;
  readonly Status: string;
  readonly Output: string;
  readonly ModifyIndex: number;
}

/** One operation of a transaction, as Consul's API has it. */
export interface Operation {
  readonly Node?: { readonly Verb: string; readonly Node: object };
  readonly Service?: { readonly Verb: string; readonly Node: string; readonly Service: object | null };
  readonly Check?: { readonly Verb: string; readonly Check: object };
}

/** Everything that the catalog holds of a node. */
export interface Held {
  /** The catalog node's name, whether it is there or not. */
  readonly name: string;
  readonly node: CatalogNode | undefined;
  readonly attempt: number;
  /** The registrar's own. */
  readonly services: readonly CatalogService[];
  /** Somebody else has registered a service on this catalog node. */
  readonly shared: boolean;
  readonly check: CatalogCheck | undefined;
}

/** What the catalog holds where it has no node of that name. */
export function nothing(name: string): Held {
  return { name, node: undefined, attempt: 0, services: [], shared: false, check: undefined };
}

/**
 * A registration as one transaction: the catalog node, its service and its check, each set only if it is still as in
 * `held`. Services of another type are deleted.
 */
export function registrationOperations(
  held: Held,
  attempt: number,
  registration: ConsulPayload,
  { address, port }: ReturnType<typeof serviceAddress>,
  { environment, passing }: { readonly environment: string; readonly passing: boolean },
): readonly Operation[] {
  const { node_id, node_version, correlation_id, service_id } = registration;
  const others = held.services.filter(({ ID }) => ID !== service_id);
  const service = held.services.find(({ ID }) => ID === service_id);
  // Removing a service removes its check with it, and what is gone is set anew.
  const check = held.check?.ServiceID === service_id ? held.check : undefined;

  return [
    {
      Node: {
        Verb: 'cas',
        Node: {
          Node: held.name,
          Address: address,
          Meta: {
            'external-node': 'true',
            'registered-by': REGISTERED_BY,
            environment,
            node_id,
            attempt: String(attempt),
          },
          ModifyIndex: held.node?.ModifyIndex ?? 0,
        },
      },
    },
    ...others.map(({ ID, Service, ModifyIndex }) => ({
      Service: { Verb: 'delete-cas', Node: held.name, Service: { ID, Service, ModifyIndex } },
    })),
    {
      Service: {
        Verb: 'cas',
        Node: held.name,
        Service: {
          ID: service_id,
          Service: registration.service_name,
          Tags: registration.tags,
          Address: address,
          Port: port,
          Meta: { node_id, node_version, node_type: registration.node_type, attempt: String(attempt), correlation_id },
          ModifyIndex: service?.ModifyIndex ?? 0,
        },
      },
    },
    {
      Check: {
        Verb: 'cas',
        Check: {
          Node: held.name,
          CheckID: checkId(node_id),
          Name: 'Registration',
          Notes: 'Set by node-registrar: passing while the node is active.',
          Status: passing ? 'passing' : 'critical',
          Output: registration.check_output ?? outputOf(attempt, passing),
          ServiceID: service_id,
          // Access rules go by the name: without it a token needs the right to write every service.
          ServiceName: registration.service_name,
          ModifyIndex: check?.ModifyIndex ?? 0,
        },
      },
    },
  ];
}

function outputOf(attempt: number, passing: boolean): string {
  return passing
    ? `Active: the node acknowledged its registration (attempt ${attempt}).`
    : `Registered (attempt ${attempt}), not yet active: waiting for the node to acknowledge.`;
}
