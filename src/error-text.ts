/**
 * The text of whatever was thrown. A connection that is refused at each of a name's addresses is an error of errors,
 * with no message of its own: theirs are joined.
 */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(errorText).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
