import type { Client } from '@temporalio/client';
import type { CompiledContract } from '../../contracts/compiled.js';
import { askStatus } from '../../runs/ask-status.js';
import type { EarlierRunView } from '../api/node.js';
import { attemptStoryOf } from '../node/story.js';
import { ANSWER_WITHIN_MS } from './runs.js';

/** An earlier registration attempt, as its run has it; null: Temporal has no such run of the node (any more). */
export async function readEarlierRun(
  client: Client,
  id: string,
  run_id: string,
  contract: CompiledContract,
): Promise<EarlierRunView | null> {
  const { status, no_answer } = await askStatus(client, id, ANSWER_WITHIN_MS, run_id);
  const registration = status?.registration ?? null;
  if (registration === null && no_answer === null) return null;
  const entered = registration?.since ?? null;
  const since = entered === null ? null : Date.parse(entered);
  const standing = {
    state: registration?.state ?? null,
    since,
    reducer: registration?.reducer.status ?? null,
    ended: true,
    silent: false,
  };
  const { steps, spans, orchestrator, reducer } = attemptStoryOf(status?.journal ?? [], standing, contract);
  return {
    id,
    run_id,
    state: standing.state,
    attempt: registration?.attempt ?? null,
    contract_version: status?.contract_version ?? null,
    reason: registration?.reason ?? null,
    ended: since,
    no_answer,
    steps,
    spans,
    orchestrator: { ...orchestrator, next: [] },
    reducer: { ...reducer, next: [] },
  };
}
