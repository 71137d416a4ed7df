import { crash } from '../crashes.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'the bridge killed after it has signalled and before it has committed its offsets',
  proxied: true,
  async disturb(world) {
    for (let time = 1; time <= 3; time += 1) {
      const ids = world.random.shuffled(world.load.idle).slice(0, 3);
      await crash(world, {
        role: 'bridge',
        // The signal is in Temporal, and the worker acts on it, while the bridge still waits for the answer.
        slow: 'temporal',
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
