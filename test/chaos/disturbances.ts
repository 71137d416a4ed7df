import { WorkflowNotFoundError } from '@temporalio/client';
import type { Target } from './world/targets.js';
import type { World } from './world/world.js';

/** The three ways to be away, in an order and for as long as the seed says; several targets at the same time. */
export async function killedFrozenRestarted(world: World, targets: readonly Target[]): Promise<void> {
  const all = (work: (target: Target) => unknown): Promise<unknown> => Promise.all(targets.map(work));
  const names = targets.join(' and ');
  const ways = {
    killed: async () => {
      await all((target) => world.targets.kill(target));
      await world.pause(0, 8);
      await all((target) => world.targets.start(target));
    },
    frozen: async () => {
      await all((target) => world.targets.freeze(target));
      await world.pause(3, 20);
      await all((target) => world.targets.thaw(target));
    },
    restarted: async () => {
      await all((target) => world.targets.stop(target));
      await world.pause(0, 8);
      await all((target) => world.targets.start(target));
    },
  };
  await world.pause(4, 8);
  for (const way of world.random.shuffled(Object.keys(ways) as (keyof typeof ways)[])) {
    await world.disturb(`${names} ${way}`, ways[way]);
    await world.pause(4, 10);
  }
}

/** Terminates one open run and cancels another one, which ones is chance. */
export async function endRuns({ parts: { client, config }, random }: World): Promise<void> {
  const open: string[] = [];
  const query = `TaskQueue = "${config.taskQueue}" and ExecutionStatus = "Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) open.push(workflowId);
  const [terminated, cancelled] = random.shuffled(open.sort()).map((id) => client.workflow.getHandle(id));
  await terminated?.terminate('chaos').catch(unlessItHasEnded);
  await cancelled?.cancel().catch(unlessItHasEnded);
}

function unlessItHasEnded(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
