import type { OutgoingRecord } from '../protocol/envelope.js';
import { Backoff, pause, type BackoffOptions } from './backoff.js';
import type { SentMessage } from './node-topics.js';
import type { Reporter } from './reporter.js';

/** Resolves when the broker has the message. */
export type SendMessage = (kind: SentMessage, record: OutgoingRecord) => Promise<void>;

/** Sends a node's messages. An outage is one problem, not one for each try. */
export class Sender {
  constructor(
    private readonly toBroker: SendMessage,
    private readonly reporter: Reporter,
    private readonly failurePauses: BackoffOptions,
    /** Aborted when the node stops: what fails from then on is reported by whoever stops it. */
    private readonly stopping: AbortSignal,
  ) {}

  /** One try. Returns whether Kafka has the message. */
  async send(kind: SentMessage, record: OutgoingRecord): Promise<boolean> {
    try {
      await this.toBroker(kind, record);
      this.reporter.works();
      return true;
    } catch (error) {
      if (!this.reporter.hasOutage && !this.stopping.aborted)
        this.reporter.problem(
          `could not send its ${kind} and goes on trying: see that Kafka is there, and its topics`,
          error,
        );
      this.reporter.outage();
      return false;
    }
  }

  /**
   * Tries until Kafka has the message.
   *
   * @param build makes the message anew for each try
   * @returns false when the signal came first
   */
  async sendUntilTaken(kind: SentMessage, build: () => OutgoingRecord, signal: AbortSignal): Promise<boolean> {
    const backoff = new Backoff(this.failurePauses);
    while (!signal.aborted) {
      if (await this.send(kind, build())) return true;
      await pause(backoff.next(), signal);
    }
    return false;
  }
}
