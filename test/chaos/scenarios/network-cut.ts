import { SERVERS, type Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'the network between the registrar and each server cut, in silence and by refusal',
  proxied: true,
  async disturb(world) {
    await world.pause(4, 6);
    for (const server of world.random.shuffled(SERVERS))
      for (const how of world.random.shuffled(['silence', 'refuse'] as const)) {
        await world.disturb(`${server} cut (${how})`, async () => {
          await world.network.cut(server, how);
          await world.pause(2, 14);
          await world.network.restore();
        });
        await world.pause(2, 6);
      }
  },
};
