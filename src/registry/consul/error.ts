/** Consul said no, or said nothing. */
export class ConsulError extends Error {
  override readonly name = 'ConsulError';

  constructor(
    message: string,
    /** Asking again the same way is pointless: permission or validation. */
    readonly refused: boolean,
    /** A check-and-set by what is no longer so: somebody has written in between. */
    readonly stale = false,
  ) {
    super(message);
  }
}
