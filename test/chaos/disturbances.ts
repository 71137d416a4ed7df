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
