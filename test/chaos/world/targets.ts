import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askOwner, type ServerName } from '../../../src/stack/index.js';
import { RegistrarProcess } from '../../integration/cli-process.js';
import { familyOf, isAlive, serverOn, signal } from './proc.js';

export type Role = 'worker' | 'bridge';
export type Target = Role | ServerName;

const ROLES: readonly Target[] = ['worker', 'bridge'];
const isRole = (target: Target): target is Role => ROLES.includes(target);

/** Bridge, worker and the four servers: started, stopped, killed and frozen by name. */
export class Targets {
  readonly #roles = new Map<Role, RegistrarProcess>();
  readonly #frozen = new Set<Target>();

  /** @param env the environment of worker and bridge, each its own */
  constructor(
    private readonly dataDir: string,
    private readonly env: Readonly<Record<Role, NodeJS.ProcessEnv>>,
  ) {}

  /** Resolves when it runs. */
  async start(target: Target): Promise<void> {
    if (!isRole(target)) return void (await askOwner(this.dataDir, { action: 'start', server: target }));
    const process = new RegistrarProcess([target], this.env[target]);
    this.#roles.set(target, process);
    await process.says(new RegExp(`"${target} runs"`));
  }

  /** In good order. */
  async stop(target: Target): Promise<void> {
    if (!isRole(target)) return void (await askOwner(this.dataDir, { action: 'stop', server: target }));
    const process = this.#roles.get(target);
    process?.kill('SIGTERM');
    await process?.ends();
  }

  /** kill -9, of the process and of those that it has started. */
  async kill(target: Target): Promise<void> {
    const pid = this.pidOf(target);
    if (pid === undefined) return;
    const family = familyOf(pid);
    for (const one of family) signal(one, 'SIGKILL');
    while (family.some(isAlive)) await delay(20);
    this.#frozen.delete(target);
    if (isRole(target)) await this.#roles.get(target)?.ends();
    else await this.#ended(target);
  }

  freeze(target: Target): void {
    const pid = this.pidOf(target);
    if (pid === undefined) return;
    this.#frozen.add(target);
    for (const one of familyOf(pid)) signal(one, 'SIGSTOP');
  }

  thaw(target: Target): void {
    this.#frozen.delete(target);
    const pid = this.pidOf(target);
    if (pid !== undefined) for (const one of familyOf(pid)) signal(one, 'SIGCONT');
  }

  pidOf(target: Target): number | undefined {
    if (!isRole(target)) return serverOn(this.directoryOf(target));
    const pid = this.#roles.get(target)?.child.pid;
    return pid !== undefined && isAlive(pid) ? pid : undefined;
  }

  directoryOf(server: ServerName): string {
    return join(this.dataDir, server);
  }

  /** Kills worker and bridge, and leaves the servers. */
  async end(): Promise<void> {
    for (const target of this.#frozen) this.thaw(target);
    for (const [, process] of this.#roles) process.kill('SIGKILL');
    await Promise.all([...this.#roles.values()].map((process) => process.ends()));
  }

  /** Whoever watches over a server notices its end a little later. */
  async #ended(server: ServerName): Promise<void> {
    for (;;) {
      const { servers } = await askOwner(this.dataDir, { action: 'status' });
      if (servers[server].state === 'exited') return;
      await delay(50);
    }
  }
}
