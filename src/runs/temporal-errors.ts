import { isGrpcServiceError } from '@temporalio/client';
import { errorText } from '../error-text.js';

/** gRPC's status codes. */
const INVALID_ARGUMENT = 3;
const OUT_OF_RANGE = 11;

/**
 * Whether Temporal refuses this very message, so that repeating it would only
 * hold up everybody behind it: too many signals for one run, a value that it
 * will not take. A set-up that is wrong for everybody (a search attribute or a
 * namespace that is missing, no permission) is not the message's fault: it is
 * waited for, like an outage.
 */
export function isAboutTheMessage(error: Error): boolean {
  const grpc = grpcErrorOf(error);
  if (grpc === undefined) return false;
  const code: number = grpc.code;
  if (code !== INVALID_ARGUMENT && code !== OUT_OF_RANGE) return false;
  return !/search ?attribute|namespace/i.test(grpc.details);
}

/** What the server says: the client's error only names the call that failed. */
export function temporalErrorText(error: unknown): string {
  return grpcErrorOf(error)?.details || errorText(error);
}

/** The server's error, however deep the client has wrapped it. */
export function grpcErrorOf(error: unknown): (Error & { readonly code: number; readonly details: string }) | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (isGrpcServiceError(one)) return one;
  return undefined;
}
