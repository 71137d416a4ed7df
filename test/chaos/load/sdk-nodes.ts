import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NodeError, NodeHub, RegisteredNode, type NodeState } from '../../../src/node/index.js';

/** Asks a node to drain, or to be found again. */
interface Wish {
  readonly node_id: string;
  readonly does: 'drain' | 'undrain';
}

/** Where a node stands, as far as it knows. */
interface Standing {
  readonly node_id: string;
  readonly state: NodeState;
}

/** Nodes of the project's SDK in a process of their own. */
export class SdkNodes {
  /** Where each of them stands, as far as it knows, by its id; empty once they are killed. */
  readonly states = new Map<string, NodeState>();
  readonly #process: ChildProcess;

  /** @param onActive called once all of them have been active */
  constructor(
    readonly ids: readonly string[],
    { env, brokers }: { readonly env: string; readonly brokers: readonly string[] },
    onActive: () => void,
  ) {
    this.#process = fork(fileURLToPath(import.meta.url), [env, brokers.join(','), ...ids], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, LOG_LEVEL: 'silent' },
    });
    this.#process.on('message', (said: Standing | 'active') => {
      if (said === 'active') onActive();
      else this.states.set(said.node_id, said.state);
    });
  }

  /** One that is not registered at that moment does not, and one that was killed reads nothing. */
  ask(wish: Wish): void {
    if (this.#process.connected) this.#process.send(wish);
  }

  kill(): void {
    this.#process.removeAllListeners('message');
    this.#process.kill('SIGKILL');
    this.states.clear();
  }
}

/** What runs in the child. It ends with its parent. */
async function main([env = '', brokers = '', ...ids]: readonly string[]): Promise<void> {
  process.once('disconnect', () => process.exit(0));
  const hub = new NodeHub({ brokers: brokers.split(','), env });
  const nodes = ids.map((node_id) => nodeOf(hub, node_id));
  process.on('message', ({ node_id, does }: Wish) => {
    // A newer wish may come before this one is answered: it is the one that counts.
    nodes
      .find((node) => node.node_id === node_id)
      ?.[does]()
      .catch(unlessItsRegistrationIsOver);
  });
  await Promise.all(nodes.map((node) => node.start()));
  process.send?.('active');
}

function nodeOf(hub: NodeHub, node_id: string): RegisteredNode {
  const node = new RegisteredNode({
    hub,
    node_id,
    node_type: 'compute',
    version: '1.0.0',
    endpoints: { health: 'http://10.0.0.2:8080/health' },
    capabilities: ['computing'],
  });
  node.on('state', ({ state }) => process.send?.({ node_id, state } satisfies Standing));
  return node;
}

function unlessItsRegistrationIsOver(error: unknown): void {
  if (!(error instanceof NodeError)) throw error;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
