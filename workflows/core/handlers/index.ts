import type { CompiledContract } from '../../../src/contracts/compiled.js';
import type { HandlerName } from '../../../src/contracts/vocabulary.js';
import type { Message } from '../message.js';
import type { Registration } from '../registration.js';
import { handleNodeIntrospected } from './node-introspected.js';
import { handleNodeRegistrationAcked } from './node-registration-acked.js';
import { handleRegistrationReset } from './registration-reset.js';
import { handleRepairRequested } from './repair-requested.js';
import { handlerOfRequests } from './requests.js';
import type { HandlerOutput } from './output.js';

/** A handler: a pure function from a message to events. */
export type Handler = (registration: Registration, message: Message, contract: CompiledContract) => HandlerOutput;

/** The table in which a contract's `handler.name` is looked up. */
export type Handlers = Readonly<Partial<Record<string, Handler>>>;

/** The handlers that ship. What each understands is declared under its name in src/contracts/vocabulary.ts. */
export const HANDLERS: Handlers & Readonly<Record<HandlerName, Handler>> = Object.freeze({
  HandlerNodeIntrospected: handleNodeIntrospected,
  HandlerNodeRegistrationAcked: handleNodeRegistrationAcked,
  HandlerRegistrationReset: handleRegistrationReset,
  HandlerRepairRequested: handleRepairRequested,
  HandlerRunCancelled: handlerOfRequests('HandlerRunCancelled', 'the cancellation of the run'),
  HandlerDrainRequested: handlerOfRequests('HandlerDrainRequested', 'a drain'),
  HandlerUndrainRequested: handlerOfRequests('HandlerUndrainRequested', 'an undrain'),
  HandlerEvictionRequested: handlerOfRequests('HandlerEvictionRequested', 'an eviction'),
});
