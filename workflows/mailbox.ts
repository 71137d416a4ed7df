import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import type { Introspection } from '../src/protocol/introspection.js';
import type { HandlerOutput } from './core/handlers/output.js';
import type { Message } from './core/message.js';
import type { Status } from './details.js';
import {
  ACK_SIGNAL,
  COMMAND_REFUSED,
  COMMAND_UPDATE,
  INTROSPECTION_SIGNAL,
  REPAIR_SIGNAL,
  REQUEST_SIGNAL,
  STATUS_QUERY,
  SUSPECT_SIGNAL,
  type AckSignal,
  type CommandRequest,
} from './messages.js';

const introspectionSignal = defineSignal<[Introspection]>(INTROSPECTION_SIGNAL);
const ackSignal = defineSignal<[AckSignal]>(ACK_SIGNAL);
const requestSignal = defineSignal<[Message]>(REQUEST_SIGNAL);
const suspectSignal = defineSignal(SUSPECT_SIGNAL);
const repairSignal = defineSignal(REPAIR_SIGNAL);
const commandUpdate = defineUpdate<number, [CommandRequest]>(COMMAND_UPDATE);
const statusQuery = defineQuery<Status>(STATUS_QUERY);

/** The event model of acks, by which the contract routes them. */
const ACK_MODEL = 'ModelNodeRegistrationAcked';

/** What became of an operator's command. */
interface Verdict {
  readonly ignored: string | null;
  /** Number of the registration attempt afterwards. */
  readonly attempt: number;
}

/** What the mailbox asks the run that it belongs to. */
export interface Owner {
  readonly status: () => Status;
  /** Pure: what a message would lead to now. */
  readonly decide: (message: Message) => HandlerOutput;
}

/**
 * Signals and updates. Their handlers only fill the inbox, and are registered
 * before the first await: nothing is lost, and nothing is handled too early.
 */
export class Mailbox {
  readonly inbox: Message[] = [];
  /** Somebody believes that the lease has expired. */
  suspected = false;
  /** Commands that wait for their answer. */
  readonly #verdicts = new Map<Message, Verdict | null>();

  /** @param now the server's time, for an ack that was sent through the client */
  constructor(now: () => string) {
    setHandler(introspectionSignal, (payload) => {
      this.inbox.push({ event_model: 'ModelNodeIntrospectionEvent', payload });
    });
    setHandler(ackSignal, (ack) => {
      this.inbox.push({ event_model: ACK_MODEL, payload: { ...ack, at: ack.at ?? now() } });
    });
    setHandler(requestSignal, (request) => {
      this.inbox.push(request);
    });
    setHandler(suspectSignal, () => {
      this.suspected = true;
    });
    setHandler(repairSignal, () => {
      this.inbox.push(messageOf({ event_model: 'ModelRepairRequested' }, uuid4()));
    });
    setHandler(commandUpdate, (request) => this.#command(request));
    setHandler(statusQuery, () => ({ registration: null, contract_version: null, journal: [] }));
  }

  /** From now on the run can say how it stands, and a command that it would ignore is refused at once. */
  open({ status, decide }: Owner): void {
    setHandler(statusQuery, status);
    const validator = (request: CommandRequest): void => refuseIfIgnored(decide(messageOf(request, '')).ignored);
    setHandler(commandUpdate, (request) => this.#command(request), { validator });
  }

  /** Somebody has cancelled the run: that is a message like every other, since its node has to be taken out first. */
  cancelled(): void {
    this.inbox.push(messageOf({ event_model: 'ModelRunCancelled' }, uuid4()));
  }

  /** Acks that nobody has handled yet, oldest first. */
  acks(): readonly Message[] {
    return this.inbox.filter(({ event_model }) => event_model === ACK_MODEL);
  }

  /** The message is handled now. */
  remove(message: Message): void {
    this.inbox.splice(this.inbox.indexOf(message), 1);
  }

  /** The message was handled; whoever sent it as a command gets the answer. */
  handled(message: Message, verdict: Verdict): void {
    if (this.#verdicts.has(message)) this.#verdicts.set(message, verdict);
  }

  /** A command is handled in its turn, like every message. */
  async #command(request: CommandRequest): Promise<number> {
    const message = messageOf(request, uuid4());
    this.#verdicts.set(message, null);
    this.inbox.push(message);
    // A run that is cancelled meanwhile still answers.
    await CancellationScope.nonCancellable(() => condition(() => this.#verdicts.get(message) !== null));
    const verdict = this.#verdicts.get(message);
    this.#verdicts.delete(message);
    refuseIfIgnored(verdict?.ignored ?? null);
    return verdict?.attempt ?? 0;
  }
}

function messageOf({ event_model, payload }: CommandRequest, message_id: string): Message {
  return { event_model, payload: { ...payload, message_id } };
}

function refuseIfIgnored(ignored: string | null): void {
  if (ignored !== null) throw ApplicationFailure.nonRetryable(`ignored ${ignored}`, COMMAND_REFUSED);
}
