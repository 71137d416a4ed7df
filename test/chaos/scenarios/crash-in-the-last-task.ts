import { attemptInConsul, crash } from '../crashes.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'the worker killed in the task that ends a life: expired is published, or the node is out of Consul',
  proxied: true,
  async disturb(world) {
    const [dies = '', leaves = ''] = world.random.shuffled(world.load.idle);
    await crash(world, {
      role: 'worker',
      slow: 'kafka',
      does: () => Promise.resolve(world.load.die([dies])),
      until: () =>
        Promise.resolve(
          world.load.events.some(({ event_type, node_id }) => event_type === 'NodeLivenessExpired' && node_id === dies),
        ),
    });
    await crash(world, {
      role: 'worker',
      slow: 'postgres',
      does: () => world.load.leave([leaves]),
      until: async () => (await attemptInConsul(world, leaves)) === 0,
    });
  },
};
