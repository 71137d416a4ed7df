/** What the page must know of the contract: plain data, sent when a stream opens. No state is named here. */

/** Colour of a state on the page; each has one meaning. */
export type Tone = 'working' | 'waiting' | 'active' | 'draining' | 'expired' | 'timed-out' | 'rejected' | 'left';

/** Sign of a state, so that nobody depends on its colour. */
export type Shape = 'half' | 'target' | 'diamond' | 'diamond-full' | 'dot' | 'down' | 'cross' | 'hour' | 'ban' | 'bar';

type StateGroup = 'on_the_way' | 'registered' | 'ended';

export interface StateView {
  readonly name: string;
  readonly tone: Tone;
  readonly shape: Shape;
  readonly group: StateGroup;
}

export interface DrawnBox {
  readonly name: string;
  /** The name, broken where it is too long for its box. */
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly terminal: boolean;
}

export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly triggers: readonly string[];
  /** Path of an SVG. */
  readonly path: string;
  /** null: there is no room for words. */
  readonly label: {
    readonly text: string;
    readonly x: number;
    readonly y: number;
    readonly anchor: 'start' | 'middle' | 'end';
  } | null;
  /** Drawn only once it was taken: the same trigger leads there from every state. */
  readonly only_when_taken: boolean;
}

/** A state machine, laid out. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly DrawnBox[];
  readonly edges: readonly DrawnEdge[];
  /** From the starting point to the initial state. */
  readonly start: { readonly x: number; readonly y: number; readonly path: string };
  readonly note: {
    /** Lines, one below the other. */
    readonly lines: readonly string[];
    readonly x: number;
    /** Of the first line. */
    readonly y: number;
    readonly anchor: 'start' | 'end';
  } | null;
}

interface MachineView {
  /** Wide screens. */
  readonly across: Drawing;
  /** Narrow screens. */
  readonly upright: Drawing;
}

export interface ContractView {
  /** Version and digest. */
  readonly version: string;
  readonly initial: string;
  readonly states: readonly StateView[];
  readonly orchestrator: MachineView;
  readonly reducer: MachineView;
  readonly lease_seconds: number;
  readonly grace_seconds: number;
  readonly heartbeat_interval_seconds: number;
  readonly ack: { readonly seconds: number; readonly rounds: number | null } | null;
  /** Name on the screen by the contract's name of a backend. */
  readonly backends: Readonly<Record<string, string>>;
  /** Final name of the topic on which nodes introduce themselves. */
  readonly introspection_topic: string;
}
