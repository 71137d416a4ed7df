import { crash } from '../crashes.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'the worker killed after a publish and before it is in history',
  proxied: true,
  async disturb(world) {
    for (let time = 1; time <= 3; time += 1) {
      const ids = world.random.shuffled(world.load.idle).slice(0, 3);
      await crash(world, {
        role: 'worker',
        slow: 'kafka',
        does: () => {
          world.load.restart(ids);
          return Promise.resolve(world.load.events.length);
        },
        until: (before) =>
          Promise.resolve(
            world.load.events
              .slice(before)
              .some(({ event_type, node_id }) => event_type === 'NodeRegistrationAccepted' && ids.includes(node_id)),
          ),
      });
    }
  },
};
