import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import type { AskedAction } from '../../registry/operator-actions.js';
import type { Actions, Wish } from '../../server/source.js';
import { acknowledge, acknowledgedText } from '../ack/acknowledge.js';
import { drainNode } from '../drain/drain-node.js';
import { evictNode, unbanNode } from '../evict/evict-node.js';
import { replayedText } from '../dlq/letters-text.js';
import { readLetters, type PlacedLetter } from '../dlq/read-letters.js';
import { replay } from '../dlq/replay.js';
import { keptInHistory, refusalText } from '../history.js';
import { retriedText, retryNode } from '../retry/retry-node.js';
import { release, releasedText } from '../self-preservation/report.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';

/** The page shows the letters of so many days. */
const SHOWN_DAYS = 1;
const DAY = 86_400_000;

/** The page's actions are those of the terminal, with their words. */
export function pageActions(config: Config): Actions {
  return {
    acknowledge: (id, wish) =>
      kept(config, { ...wish, action: 'acknowledge', node_id: id }, async () =>
        acknowledgedText(await acknowledge(id, config, wish)),
      ),
    retry: (id, wish) =>
      kept(config, { ...wish, action: 'retry', node_id: id }, async () =>
        retriedText(id, await retryNode(id, config, wish)),
      ),
    drain: (id, wish) =>
      kept(config, { ...wish, action: 'drain', node_id: id }, () => drainNode('drain', id, config, wish)),
    undrain: (id, wish) =>
      kept(config, { ...wish, action: 'undrain', node_id: id }, () => drainNode('undrain', id, config, wish)),
    evict: (id, wish) => kept(config, { ...wish, action: 'evict', node_id: id }, () => evictNode(id, config, wish, {})),
    ban: (id, wish) =>
      kept(config, { ...wish, action: 'evict', node_id: id }, () => evictNode(id, config, wish, { ban: true })),
    unban: (id, wish) => kept(config, { ...wish, action: 'unban', node_id: id }, () => unbanNode(id, config)),
    release: (wish, most) =>
      kept(config, { ...wish, action: 'release self-preservation', node_id: null }, async () =>
        releasedText(await release(config, wish, most)),
      ),
    replay: async (id, wish) => {
      const letter = await letterOf(config, id);
      return kept(config, { ...wish, action: 'replay dead letters', node_id: letter?.node_id ?? null }, () =>
        replayOne(config, id, letter, wish),
      );
    },
  };
}

/** The page has one sentence for an answer: what to do next, and what could not be kept, are in it. */
async function kept(config: Config, asked: AskedAction, work: () => Promise<string>): Promise<string> {
  const unkept: string[] = [];
  try {
    const outcome = await keptInHistory(config, asked, work, (words) => unkept.push(words));
    return [`${outcome.replace(/\.$/, '')}.`, ...unkept].join(' ');
  } catch (error) {
    throw new Error([refusalText(error), ...unkept].join(' '), { cause: error });
  }
}

async function letterOf(config: Config, id: string): Promise<PlacedLetter | null> {
  const since = new Date(Date.now() - (SHOWN_DAYS + 1) * DAY);
  const { letters } = await readLetters(config, loadContracts(config.contractsDir), { since });
  return letters.find((letter) => letter.id === id) ?? null;
}

async function replayOne(config: Config, id: string, letter: PlacedLetter | null, wish: Wish): Promise<string> {
  if (letter === null)
    throw new CliError(`There is no dead letter ${id} any more.`, EXIT.notFound, {
      hint: 'Its topic keeps letters for a limited time.',
    });
  const result = await replay([letter], config, loadContracts(config.contractsDir), { named: true, asked_by: wish });
  const [left] = result.left;
  if (left !== undefined) throw new CliError(`The dead letter ${id} is not sent again: ${left.why}.`, EXIT.failed);
  return replayedText(result);
}
