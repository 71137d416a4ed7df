/** An error whose message is written for the person at the terminal: no stack trace helps them. */
export class StackError extends Error {
  override readonly name: string = 'StackError';
}

/** Whether an error carries one of these codes of the operating system, e.g. ENOENT. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
