declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** What is used here of kafkajs's queue of requests: one for each connection. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    /** Milliseconds since 1970 until which the broker wants to be left alone; -1: it does not. */
    readonly throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
}

declare module 'kafkajs/src/cluster/index.js' {
  /** What is used here of kafkajs's view of a cluster: one for each client. */
  export default class Cluster {
    /** Asks the leaders, as it knows them, for offsets. */
    fetchTopicsOffset: (this: Cluster, topics: readonly object[]) => Promise<unknown>;
    /** Asks who leads what. */
    refreshMetadata(): Promise<void>;
  }
}

declare module 'kafkajs/src/cluster/brokerPool.js' {
  /** What tests use of kafkajs's connections to brokers. */
  export default class BrokerPool {
    metadata: object | null;
    /** Milliseconds since 1970. */
    metadataExpireAt: number | null;
    connect(): Promise<void>;
    refreshMetadata(topics: readonly string[]): Promise<null>;
    findBroker(options: { readonly nodeId: string }): Promise<{ readonly listOffsets: () => Promise<object> }>;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  /** What is used here of kafkajs's reader of an answer. */
  export default class Decoder {
    constructor(bytes: Buffer);
    readonly buffer: Buffer;
    readonly offset: number;
    forward(bytes: number): void;
    readInt16(): number;
    readInt32(): number;
    readBoolean(): boolean;
    readString(): string;
    readArray<Item>(read: (decoder: Decoder) => Item): Item[];
  }
}

declare module 'kafkajs/src/protocol/encoder.js' {
  /** What is used here of kafkajs's writer of a question. */
  export default class Encoder {
    writeArray(items: readonly string[]): this;
    writeBoolean(value: boolean): this;
  }
}
