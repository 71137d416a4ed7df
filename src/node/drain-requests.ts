import { v4 } from 'uuid';
import { buildDrainRequest } from '../protocol/drain-request.js';
import type { PublishedEvent } from '../protocol/published.js';
import type { Attempts } from './attempts.js';
import { Backoff, pause } from './backoff.js';
import { NodeError } from './errors.js';
import type { NodePauses } from './options.js';
import type { Sender } from './sender.js';
import type { StartOptions, NodeStates } from './states.js';

/** Why a node drains, and how long to wait for it. */
export interface DrainOptions extends StartOptions {
  /** Stands in its history, and where others read why they do not find it. */
  readonly reason?: string;
}

type Goal = 'active' | 'draining';

interface Parts {
  readonly node_id: string;
  readonly attempts: Attempts;
  readonly states: NodeStates;
  readonly sender: Sender;
  readonly pauses: Pick<NodePauses, 'resend'>;
}

interface Request {
  readonly id: string;
  readonly goal: Goal;
  /** From then on it is not sent again. */
  readonly ended: Promise<void>;
  /** Ends the waiting for it. */
  readonly end: (because: string) => void;
  /** Its own answer has come. */
  readonly answered: () => void;
}

/** A node's requests to be drained, or to be found again. The newest one counts. */
export class DrainRequests {
  /** The newest one, where the registrar may not have handled it yet. Only a newer one takes it back. */
  #unanswered: Request | undefined;

  constructor(private readonly parts: Parts) {}

  /**
   * Asks with one request that is sent again until it is answered: a repeat does nothing. Resolves when the registrar
   * has said so.
   *
   * @throws NodeError when there is no registration that could be drained, it ends meanwhile, or the waiting has ended
   */
  async ask(goal: Goal, { reason, timeoutMs, signal }: DrainOptions): Promise<void> {
    const { states } = this.parts;
    const before = this.#unanswered;
    if (states.current === goal && before === undefined) return;
    const waiting = new AbortController();
    const id = v4();
    const { taken, ended } = this.#send(id, goal, reason ?? null, before?.ended, waiting.signal);
    const { promise: answer, resolve: answered } = promised();
    const request: Request = { id, goal, ended, end: (because) => waiting.abort(because), answered };
    this.#unanswered = request;
    if (before?.goal !== goal) before?.end(`it is asked to be ${goal}`);
    const given = (): void => waiting.abort(signal?.reason);
    signal?.addEventListener('abort', given);
    if (signal?.aborted === true) given();
    try {
      const limits = { signal: waiting.signal, ...(timeoutMs !== undefined && { timeoutMs }) };
      await states.until(goal, limits, { ...WHILE_ASKING, after: taken, answer });
      if (this.#unanswered === request) this.#unanswered = undefined;
    } finally {
      signal?.removeEventListener('abort', given);
      waiting.abort();
      await ended;
    }
  }

  /**
   * The registrar has published an event about this node. The answer to a request names it as its cause; when it is
   * read after a newer event, the node's state does not show it.
   */
  onEvent({ causation_id }: PublishedEvent): void {
    if (this.#unanswered?.id === causation_id) this.#unanswered.answered();
  }

  /**
   * @param after nothing is sent before it: the order of requests decides
   * @returns whether Kafka has the request (false when the signal came first), and when it is sent no more
   */
  #send(id: string, goal: Goal, reason: string | null, after = Promise.resolve(), signal: AbortSignal) {
    const { node_id, attempts, states, sender, pauses } = this.parts;
    const attempt = attempts.current;
    const draining = goal === 'draining';
    if (attempt === null || attempt.ended || !attempt.isRegistered)
      throw new NodeError(
        node_id,
        `cannot be ${draining ? 'drained' : 'found again'} now: it is ${states.current}. Wait for its event "active"`,
      );
    const { correlation_id } = attempt;
    const record = buildDrainRequest({ command_id: id, node_id, correlation_id, draining, reason }, new Date());
    const resend = new Backoff(pauses.resend);
    const send = (): Promise<boolean> => sender.sendUntilTaken('drainRequest', () => record, signal);
    const taken = after.then(send);
    const ended = taken.then(async () => {
      while ((await pause(resend.next(), signal)) && (await send()));
    });
    return { taken, ended };
  }
}

const WHILE_ASKING = { lost: ['waiting', 'introducing'], meanwhile: 'does not ask any more' } as const;

/** A promise, and what fulfils it. */
function promised(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
