import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { Intent } from '../activities/api.js';
import type { CompiledContract, Timer } from '../src/contracts/compiled.js';
import { commitDecision, openAttempt, verifyAcksRead, verifyLease } from './calls.js';
import { askedNotes } from './core/asked.js';
import { applyAnswer, type Answer, type Purpose } from './core/answer.js';
import { beginAgain } from './core/attempt.js';
import { decide } from './core/decide.js';
import { applyOutput } from './core/handle.js';
import { beginsAttempt } from './core/handlers/output.js';
import type { Message } from './core/message.js';
import { next, type Surroundings } from './core/next.js';
import { eventsOf, intentsOf } from './core/outgoing.js';
import { nodeOfRow, withBan, withRefreshStarted, type Registration } from './core/registration.js';
import { millisBetween, plusSeconds } from './core/time.js';
import { currentTimer, timerChecked, type Finding } from './core/timer.js';
import type { Turn } from './core/turn.js';
import { currentDetails, timerSummary, type Status } from './details.js';
import { Effects } from './effects.js';
import { hasLongHistory } from './hand-over.js';
import { Journal, type JournalEntry } from './journal.js';
import { Mailbox } from './mailbox.js';
import { Publishing } from './publishing.js';
import { filteredState, SearchAttributes } from './search-attributes.js';

export interface Start {
  readonly node_id: string;
  /** From the run before this one (continue-as-new). */
  readonly carried?: {
    readonly registration: Registration;
    readonly contract: CompiledContract;
    readonly journal: readonly JournalEntry[];
  };
}

export interface Outcome {
  readonly node_id: string;
  readonly attempt: number;
  readonly state: string | null;
  readonly reason: string | null;
}

/** The life of one node, from its introspection until it is gone: opened, then one task after the other. */
export async function registration(start: Start): Promise<Outcome> {
  // Before the first await: a signal that started this run must find its handler.
  const mailbox = new Mailbox(now);
  setCurrentDetails('Reading the registry row of this node');
  // Cancelling a run is leaving: what cleans up after its node must not be cancelled with it.
  CancellationScope.current().cancelRequested.catch(() => {
    mailbox.cancelled();
  });
  return CancellationScope.nonCancellable(async () => {
    const life = await Life.open(start, mailbox);
    return life.run();
  });
}

/** A node's life while it runs. What is next is decided by `next` alone; each task stands in a method of its own. */
class Life {
  readonly #answers: Answer[] = [];
  readonly #effects = new Effects((answer) => this.#answers.push(answer));
  readonly #publishing = new Publishing((answer) => this.#answers.push(answer));
  readonly #attributes: SearchAttributes;
  /** The contract was read since the last wait. */
  #contractIsFresh = true;
  /** The worker has another contract now. */
  #outdated = false;

  private constructor(
    private node: Registration,
    private contract: CompiledContract,
    private readonly mailbox: Mailbox,
    private readonly journal: Journal,
    /** The worker's contract does not have the state that this run is in. The run ends under its own. */
    private keepsContract: boolean,
    isFirst: boolean,
  ) {
    const filtered = isFirst ? contract.orchestrator.initial : filteredState(node, contract);
    this.#attributes = new SearchAttributes(filtered, node.introspection?.node_type ?? null);
    mailbox.open({ status: () => this.#status(), decide: (message) => decide(this.node, message, this.contract) });
  }

  static async open({ node_id, carried }: Start, mailbox: Mailbox): Promise<Life> {
    const { row, ban = null, contract } = await openAttempt(node_id);
    if (carried !== undefined) {
      const { state } = carried.registration;
      const keeps = state !== null && contract.orchestrator.states[state] === undefined;
      const current = keeps ? carried.contract : contract;
      return new Life(withBan(carried.registration, ban), current, mailbox, new Journal(carried.journal), keeps, false);
    }
    const node = withBan(nodeOfRow(node_id, row, contract, now()), ban);
    const life = new Life(node, contract, mailbox, new Journal(), false, true);
    if (node.state !== null && !node.unfinished)
      life.#note(`adopts registration attempt ${node.attempt} in ${node.state}: its run is gone`);
    return life;
  }

  async run(): Promise<Outcome> {
    for (;;) {
      const task = next(this.node, this.#surroundings(), this.contract);
      switch (task.task) {
        case 'publish':
          await this.#publish(task.actions);
          break;
        case 'apply answer':
          await this.#applyAnswer();
          break;
        case 'run effects':
          await this.#start('step', intentsOf(this.node, task.actions, this.contract));
          break;
        case 'handle':
          await this.#handle(task.message);
          break;
        case 'begin again':
          await this.#apply(beginAgain(this.node, now(), this.contract));
          break;
        case 'refresh':
          await this.#refresh();
          break;
        case 'check timer':
          await this.#checkTimer();
          break;
        case 'wait':
          await this.#wait(task.until);
          break;
        case 'continue as new':
          return this.#continueAsNew();
        case 'finish':
          return this.#outcome();
      }
    }
  }

  async #publish(actions: readonly string[]): Promise<void> {
    this.#show();
    await this.#publishing.start(eventsOf(this.node, actions, this.contract), this.contract);
  }

  async #applyAnswer(): Promise<void> {
    const answer = this.#answers.shift();
    if (answer !== undefined) await this.#apply(applyAnswer(this.node, answer, now(), this.contract));
  }

  /** The contract's handler decides, and its events are applied. A new attempt takes the contract as it is now. */
  async #handle(message: Message): Promise<void> {
    this.mailbox.remove(message);
    this.#note(...askedNotes(message));
    let output = decide(this.node, message, this.contract);
    if (!this.#contractIsFresh && beginsAttempt(output)) {
      const { ban = null, contract } = await openAttempt(this.node.node_id);
      this.contract = contract;
      this.node = withBan(this.node, ban);
      this.#contractIsFresh = true;
      this.keepsContract = false;
      output = decide(this.node, message, this.contract);
    }
    await this.#apply(applyOutput(this.node, output, now(), this.contract));
    this.mailbox.handled(message, { ignored: output.ignored, attempt: this.node.attempt });
  }

  /** The backends get the node's changed data; its state stays. */
  async #refresh(): Promise<void> {
    this.#note('the data have changed: they go to the backends');
    this.node = withRefreshStarted(this.node);
    await this.#start('refresh', intentsOf(this.node, this.contract.refresh_actions, this.contract));
  }

  /** A timer fires only when what it stands for is verified, and when that is in history. */
  async #checkTimer(): Promise<void> {
    const timer = currentTimer(this.node, this.contract);
    const found = timer === undefined ? { fires: true as const } : await this.#verify(timer);
    if (found.fires && timer !== undefined && timer.verify !== null) {
      await commitDecision();
      // Every ack that was in time has reached this run by now. It is handled first. No other message is: one that
      // comes while the decision is carried out must not change it when the server has this task done anew.
      if (timer.verify === 'acks_read' && this.#hasAckInTime()) return;
    }
    await this.#apply(timerChecked(this.node, found, now(), this.contract));
  }

  #hasAckInTime(): boolean {
    return this.mailbox.acks().some((ack) => decide(this.node, ack, this.contract).ignored === null);
  }

  async #verify(timer: Timer): Promise<Finding> {
    const { ack_deadline, since } = this.node;
    const started = since ?? now();
    if (timer.verify === 'acks_read') {
      // The question is about the deadline, however much later it is asked.
      return verifyAcksRead(ack_deadline ?? plusSeconds(started, timer.seconds), this.contract);
    }
    if (timer.verify !== 'lease') return { fires: true };
    this.mailbox.suspected = false;
    const { window_seconds, grace_seconds, first_deadline_seconds } = this.contract.liveness;
    const first_deadline = plusSeconds(started, first_deadline_seconds);
    const question = { ...this.#who(), window_seconds, grace_seconds, first_deadline };
    const { found, contract_version } = await verifyLease(question, this.contract);
    this.#outdated = !this.keepsContract && contract_version !== null && contract_version !== this.contract.version;
    return found;
  }

  /** Until something is to be done. */
  async #wait(until: string | null): Promise<void> {
    this.#contractIsFresh = false;
    this.#show();
    const hasWork = (): boolean => next(this.node, this.#surroundings(), this.contract).task !== 'wait';
    if (until === null) return condition(hasWork);
    const summary = timerSummary(this.node, currentTimer(this.node, this.contract));
    await condition(hasWork, Math.max(1, millisBetween(now(), until)), { summary });
  }

  #continueAsNew(): Promise<never> {
    const { node, contract, journal } = this;
    const carried = { registration: node, contract, journal: journal.entries };
    return continueAsNew<typeof registration>({ node_id: node.node_id, carried });
  }

  #outcome(): Outcome {
    this.#show();
    const { node_id, attempt, state, reason } = this.node;
    const nothing = 'nothing to do: no introspection that is newer than the registry row';
    return { node_id, attempt, state, reason: state === null ? nothing : reason };
  }

  /** The node's life goes on from this turn. */
  async #apply({ registration: after, intents, cancels, notes }: Turn): Promise<void> {
    if (cancels) {
      this.#effects.cancel();
      this.#publishing.cancel();
      this.#answers.length = 0;
    }
    // A suspicion is about the lease that there was.
    if (after.state !== this.node.state || after.since !== this.node.since) this.mailbox.suspected = false;
    this.node = after;
    this.#note(...notes);
    if (intents.length > 0) await this.#start('registration', intentsOf(after, intents, this.contract));
  }

  #start(purpose: Purpose, intents: readonly Intent[]): Promise<void> {
    return this.#effects.start({ purpose, ...this.#who() }, intents, this.contract);
  }

  /** Whose registration it is. */
  #who(): { readonly node_id: string; readonly attempt: number; readonly instance_id?: string } {
    const { node_id, attempt, incarnation } = this.node;
    const { instance_id } = incarnation ?? {};
    return { node_id, attempt, ...(instance_id === undefined ? {} : { instance_id }) };
  }

  #surroundings(): Surroundings {
    return {
      now: now(),
      inbox: this.mailbox.inbox,
      answered: this.#answers.length > 0,
      effects: this.#effects.flight,
      publish: this.#publishing.flight,
      suspected: this.mailbox.suspected,
      everybodyAnswered: allHandlersFinished(),
      continueAsNew: this.#outdated || hasLongHistory(),
    };
  }

  #status(): Status & { readonly registration: Registration } {
    return { registration: this.node, contract_version: this.contract.version, journal: this.journal.entries };
  }

  #note(...whats: readonly string[]): void {
    this.journal.note(now(), ...whats);
  }

  /** What people see in Temporal's web UI. */
  #show(): void {
    setCurrentDetails(currentDetails(this.#status(), this.contract));
    this.#attributes.show(this.node, this.contract);
  }
}

/** The server's time, as the workflow sees it (ISO 8601). */
function now(): string {
  return new Date().toISOString();
}
