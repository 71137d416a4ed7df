/** Something that a node could not do; a sentence with its id and what to do. */
export class NodeError extends Error {
  override readonly name = 'NodeError';

  constructor(
    readonly node_id: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`node ${node_id} ${message}`, options);
  }
}
