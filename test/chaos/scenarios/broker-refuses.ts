import kafkajs from 'kafkajs';
import type { Scenario } from '../scenario.js';
import type { World } from '../world/world.js';

/** Every batch of records is larger than this, so none is taken. */
const NOTHING_FITS = '64';

/** A topic's settings are given whole: what is not named falls back to the broker's. */
async function setLargest({ parts: { config } }: World, topics: RegExp, bytes: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [...config.kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const all = (await admin.listTopics()).filter((topic) => topic.startsWith(`${config.env}.`) && topics.test(topic));
    await admin.alterConfigs({
      validateOnly: false,
      resources: all.map((name) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
        configEntries: [
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
          { name: 'max.message.bytes', value: bytes },
        ],
      })),
    });
  } finally {
    await admin.disconnect();
  }
}

export const scenario: Scenario = {
  what: 'a broker that answers and takes no heartbeat, then no event of ours, then nothing',
  async disturb(world) {
    const refused = { 'no heartbeat': /heartbeat/, 'no event of ours': /evt\.node-(reg|bec|liv|der)/, nothing: /./ };
    await world.pause(12, 15);
    for (const [what, topics] of Object.entries(refused)) {
      await world.disturb(`the broker takes ${what}`, async () => {
        await setLargest(world, topics, NOTHING_FITS);
        await world.pause(18, 25);
        await setLargest(world, topics, '1048588');
      });
      await world.pause(4, 8);
    }
  },
};
