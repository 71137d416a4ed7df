/** An ISO time, some seconds later (or earlier); milliseconds are kept. */
export function plusSeconds(iso: string, seconds: number): string {
  return new Date(Date.parse(iso) + seconds * 1000).toISOString();
}

/** Milliseconds from one ISO time to another; negative when the second is earlier. */
export function millisBetween(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}
