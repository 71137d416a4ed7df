/** Something that a node could not do; a sentence with its id and what to do. */
export class NodeError extends Error {
  override readonly name = 'NodeError';

  constructor(
    readonly node_id: string,
    /** The sentence without its subject. */
    readonly what: string,
    options?: ErrorOptions,
  ) {
    super(`node ${node_id} ${what}`, options);
  }
}
