import { SERVERS, type Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'the network between the registrar and each server slow',
  proxied: true,
  async disturb(world) {
    await world.pause(4, 6);
    for (const server of world.random.shuffled(SERVERS)) {
      const milliseconds = Math.round(world.random.between(300, 2_500));
      await world.disturb(`${server} slower by ${milliseconds} ms`, async () => {
        await world.network.slow(server, milliseconds);
        await world.pause(8, 14);
        await world.network.restore();
      });
      await world.pause(1, 4);
    }
  },
};
