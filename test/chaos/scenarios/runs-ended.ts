import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'runs terminated and cancelled at random',
  async disturb(world) {
    const { client, config } = world.parts;
    for (let time = 1; time <= 5; time += 1) {
      await world.pause(5, 8);
      const open: string[] = [];
      for await (const { workflowId } of client.workflow.list({
        query: `TaskQueue = "${config.taskQueue}" and ExecutionStatus = "Running"`,
      }))
        open.push(workflowId);
      const chosen = world.random.shuffled(open.sort()).slice(0, 2);
      await world.disturb(`a run terminated, another cancelled`, async () => {
        const [terminated, cancelled] = chosen.map((id) => client.workflow.getHandle(id));
        await terminated?.terminate('chaos');
        await cancelled?.cancel();
      });
    }
  },
};
