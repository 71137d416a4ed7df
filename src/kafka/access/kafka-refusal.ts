/**
 * The broker, or TLS, does not let this client do something. That is how the two are set up: it is waited for like an
 * outage, and no node's fault.
 */
export class KafkaRefusal extends Error {
  override readonly name = 'KafkaRefusal';

  constructor(
    /** What is refused, and why: a sentence. */
    readonly what: string,
    /** What to set: a sentence. */
    readonly todo: string,
    cause: unknown,
  ) {
    super(`${what}. ${todo}`, { cause });
  }
}

/** The refusal that lies behind an error. */
export function refusalIn(error: unknown): KafkaRefusal | undefined {
  return causesOf(error).find((one) => one instanceof KafkaRefusal);
}

export function topicOf(error: Error): string[] {
  return 'topic' in error && typeof error.topic === 'string' ? [error.topic] : [];
}

export function typeOf(error: Error): string {
  return 'type' in error ? String(error.type) : '';
}

/** An error, what lies behind it, and the parts of one that stands for several. */
export function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const parts = 'errors' in error && Array.isArray(error.errors) ? (error.errors as unknown[]) : [];
  return [error, ...[...parts, error.cause].flatMap(causesOf)];
}
