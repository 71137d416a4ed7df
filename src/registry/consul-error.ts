/** Consul said no, or said nothing. */
export class ConsulError extends Error {
  override readonly name = 'ConsulError';

  constructor(
    message: string,
    /** Asking again the same way is pointless: permission or validation. */
    readonly refused: boolean,
  ) {
    super(message);
  }
}
