/**
 * Why a call of Consul failed.
 * - refused: by what the call says of its node; the same call again is refused again.
 * - misconfigured: by what the registrar is or how it calls, whatever the node: its token, its policy, the scheme.
 * - stale: a check-and-set with an old index; another process has written in between.
 * - away: everything else; Consul may answer the same call later.
 */
export type ConsulFailure = 'refused' | 'misconfigured' | 'stale' | 'away';

/** Consul has refused a call, or has not answered it. */
export class ConsulError extends Error {
  override readonly name = 'ConsulError';

  constructor(
    message: string,
    readonly kind: ConsulFailure,
  ) {
    super(message);
  }
}
