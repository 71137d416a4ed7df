import type { TemporalConfig } from '../../config/index.js';
import type { KafkaConnection } from '../../kafka/connection.js';
import type { GuardedCommand } from '../guardian.js';
import type { Ports } from '../ports.js';
import type { ProvisionContext } from '../provision/context.js';
import type { Prerequisite } from '../prerequisites.js';
import type { OwnAddresses } from '../state/state.js';
import type { Addresses, Environment, ServerName } from '../state/servers.js';

/** What there is to know before a server can be looked for. */
export interface FindContext {
  readonly env: Environment;
  readonly cacheRoot: string;
  /** Where this server's data is, or will be. */
  readonly directory: string;
}

/** What a server needs to know to be started. */
export interface LaunchContext extends FindContext {
  readonly ports: Ports;
  readonly temporalNamespace: string;
  readonly step: (text: string) => void;
  /** For what is provisioned only once the server's data and ports are known. */
  readonly provisioning: ProvisionContext;
}

/** A server that is on this machine and can be started. */
export interface Installed {
  /** Where it is, for people: 'consul on PATH (/usr/bin/consul)'. */
  readonly where: string;
  /** What it needs on this machine in order to run. */
  readonly needs: readonly Prerequisite[];
  /** Prepares the data directory where that is still to be done, and answers the command that runs the server. */
  launch(context: LaunchContext): Promise<GuardedCommand>;
}

/** Everything that differs between the four servers. */
export interface ServerKind {
  readonly name: ServerName;
  readonly title: string;
  /** The variable that gives its address from outside. */
  readonly variable: string;
  /** The ports that people expect, by purpose. */
  readonly usualPorts: Ports;
  readonly startWithinMs: number;
  /** What provisioning it takes. */
  readonly provisionNeeds: readonly Prerequisite[];
  /** On PATH, else in the cache. */
  find(context: FindContext): Installed | undefined;
  provision(context: ProvisionContext, find: FindContext): Promise<Installed>;
  addresses(ports: Ports): OwnAddresses;
  /** Succeeds when the server does what it is for, not only listens. */
  probe(addresses: Addresses, context: ProbeContext): Promise<void>;
}

interface ProbeContext {
  readonly kafka: Pick<KafkaConnection, 'security'>;
  readonly temporal: Omit<TemporalConfig, 'address'>;
}
