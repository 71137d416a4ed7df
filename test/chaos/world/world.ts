import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Config } from '../../../src/config/index.js';
import type { Disturbance, MemorySample } from '../checker/snapshot.js';
import type { Load } from '../load/load.js';
import type { Random } from '../random.js';
import type { KafkaCluster } from './kafka-cluster.js';
import type { Network } from './network.js';
import { memoryMb } from './proc.js';
import type { Target, Targets } from './targets.js';

const SAMPLED: readonly Target[] = ['worker', 'bridge', 'temporal', 'kafka', 'consul', 'postgres'];
const SAMPLE_EVERY_MS = 5_000;
const REGISTERS_WITHIN_MS = 120_000;

export interface WorldParts {
  readonly config: Config;
  readonly client: Client;
  readonly targets: Targets;
  readonly load: Load;
  readonly network: Network | null;
  readonly cluster: KafkaCluster | null;
  readonly random: Random;
  readonly log: (text: string) => void;
  /** How long the load does new things. */
  readonly seconds: number;
}

/** What a scenario has in its hands. */
export class World {
  readonly disturbances: Disturbance[] = [];
  readonly memory: MemorySample[] = [];
  readonly #began = Date.now();
  #sampling: NodeJS.Timeout | undefined;

  constructor(readonly parts: WorldParts) {}

  get targets(): Targets {
    return this.parts.targets;
  }

  get load(): Load {
    return this.parts.load;
  }

  get random(): Random {
    return this.parts.random;
  }

  /** @throws Error where the scenario has not asked for one */
  get network(): Network {
    if (this.parts.network === null) throw new Error('this scenario is not proxied');
    return this.parts.network;
  }

  /** @throws Error where the scenario has not asked for it */
  get cluster(): KafkaCluster {
    if (this.parts.cluster === null) throw new Error('this scenario has one broker only');
    return this.parts.cluster;
  }

  /** A node that starts now becomes active; says in which time. */
  async registersAgain(): Promise<void> {
    const [id = ''] = this.random.shuffled(this.load.idle);
    const began = Date.now();
    const seen = this.load.events.length;
    this.load.restart([id]);
    const isActive = (): boolean =>
      this.load.events.slice(seen).some((one) => one.node_id === id && one.event_type === 'NodeBecameActive');
    while (!isActive()) {
      if (Date.now() - began > REGISTERS_WITHIN_MS)
        throw new Error(`${id} has not become active within ${REGISTERS_WITHIN_MS / 1_000} s`);
      await delay(50);
    }
    this.parts.log(`  a node that started then was active after ${(Date.now() - began) / 1_000} s`);
  }

  /** Does something to the registrar or its servers; the checker learns from when to when. */
  async disturb(what: string, work: () => Promise<unknown>): Promise<void> {
    const from = Date.now();
    this.parts.log(what);
    try {
      await work();
    } finally {
      this.disturbances.push({ what, from, to: Date.now() });
    }
  }

  /** Which part of the load's time is over: 0 at its begin, 1 at its end. */
  get share(): number {
    return (Date.now() - this.#began) / (this.parts.seconds * 1_000);
  }

  /** Lets the load go on for a while, as long as the seed says. */
  pause(from: number, to: number): Promise<void> {
    return delay(this.random.between(from, to) * 1_000);
  }

  sampleMemory(): void {
    const sample = (): void => {
      for (const process of SAMPLED) {
        const pid = this.targets.pidOf(process);
        const megabytes = pid === undefined ? undefined : memoryMb(pid);
        if (pid !== undefined && megabytes !== undefined) this.memory.push({ at: Date.now(), process, pid, megabytes });
      }
    };
    sample();
    this.#sampling = setInterval(sample, SAMPLE_EVERY_MS);
  }

  end(): void {
    clearInterval(this.#sampling);
  }
}
