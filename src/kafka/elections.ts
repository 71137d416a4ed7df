import Cluster from 'kafkajs/src/cluster/index.js';
import { isWithoutLeader } from './refusals.js';

/**
 * kafkajs 2.2.4's admin goes on asking who led a partition before an election, for the five minutes that it remembers
 * the leaders: its producers and consumers ask anew for them after such a refusal, and its admin does not. Here the
 * leaders are asked for at once, and the next try reaches the new one.
 */
export function followElections(): void {
  const { prototype } = Cluster;
  const { fetchTopicsOffset } = prototype;
  prototype.fetchTopicsOffset = async function (topics): Promise<unknown> {
    try {
      return await fetchTopicsOffset.call(this, topics);
    } catch (error) {
      if (isWithoutLeader(error)) await this.refreshMetadata();
      throw error;
    }
  };
}
