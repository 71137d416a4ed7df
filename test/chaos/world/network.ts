import { fileURLToPath } from 'node:url';
import type { Config } from '../../../src/config/index.js';
import type { ServerName } from '../../../src/stack/index.js';
import type { Role } from './targets.js';
import { Toxiproxy } from './toxiproxy.js';

const ROLES: readonly Role[] = ['worker', 'bridge'];
const REROUTE = fileURLToPath(new URL('./reroute.cjs', import.meta.url));

/** The way from worker and bridge to each server, a proxy for each pair. The nodes reach Kafka without one. */
export class Network {
  private constructor(
    private readonly proxies: Toxiproxy,
    private readonly ports: Readonly<Record<string, number>>,
    private readonly config: Config,
  ) {}

  static async between(config: Config): Promise<Network> {
    const proxies = await Toxiproxy.start();
    const ports: Record<string, number> = {};
    for (const role of ROLES)
      for (const [server, address] of Object.entries(addressesOf(config)))
        ports[nameOf(role, server)] = await proxies.to(nameOf(role, server), address);
    return new Network(proxies, ports, config);
  }

  /** The environment of a role: every server is where its proxy is. */
  environmentOf(role: Role): NodeJS.ProcessEnv {
    const port = (server: ServerName): string => String(this.ports[nameOf(role, server)]);
    const through = (address: string, server: ServerName): string => {
      const url = new URL(address);
      url.port = port(server);
      return url.href;
    };
    const { consul, postgres } = this.config;
    return {
      TEMPORAL_ADDRESS: `127.0.0.1:${port('temporal')}`,
      CONSUL_HTTP_ADDR: through(consul.address, 'consul'),
      DATABASE_URL: through(postgres.connectionString, 'postgres'),
      // Kafka names its own address to whoever has connected, so its clients are led to the proxy below their library.
      CHAOS_REROUTE: `${addressesOf(this.config).kafka.split(':')[1]}:${port('kafka')}`,
      NODE_OPTIONS: `--require ${REROUTE}`,
    };
  }

  /** Nothing gets through between a server and these roles. */
  async cut(server: ServerName, how: 'silence' | 'refuse', roles = ROLES): Promise<void> {
    for (const role of roles) await this.proxies[how](nameOf(role, server));
  }

  /** Answers of a server come later by so many milliseconds. */
  async slow(server: ServerName, milliseconds: number, roles = ROLES): Promise<void> {
    for (const role of roles) await this.proxies.slow(nameOf(role, server), milliseconds);
  }

  restore(): Promise<void> {
    return this.proxies.restore();
  }

  end(): Promise<void> {
    return this.proxies.end();
  }
}

function nameOf(role: Role, server: string): string {
  return `${role}-${server}`;
}

/** host:port of each server. */
function addressesOf({ temporal, kafka, consul, postgres }: Config): Readonly<Record<ServerName, string>> {
  return {
    temporal: temporal.address,
    kafka: kafka.brokers[0] ?? '',
    consul: new URL(consul.address).host,
    postgres: new URL(postgres.connectionString).host,
  };
}
