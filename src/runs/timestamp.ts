/** A time as Temporal's messages have it. */
export type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;

/** Milliseconds since 1970; null where there is no time. */
export function millisOf(time: Timestamp): number | null {
  if (time === null || time === undefined) return null;
  const value = Number(time.seconds) * 1_000 + (time.nanos ?? 0) / 1e6;
  return value > 0 ? value : null;
}
