/** Consul has refused a call, or has not answered it. */
export class ConsulError extends Error {
  override readonly name = 'ConsulError';

  constructor(
    message: string,
    /** Permission or validation: the same call again is refused again. */
    readonly refused: boolean,
    /** A check-and-set with an old index: another process has written in between. */
    readonly stale = false,
  ) {
    super(message);
  }
}
