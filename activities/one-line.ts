/**
 * The longest text that an activity answers or fails with, in UTF-16 units. It is below the 1,024 characters of a
 * published reason, since the workflow adds a few words of its own.
 */
export const LONGEST = 1_000;

/**
 * One line that fits, with "…" where something was left out: a refusal can be a proxy's whole HTML page. Control
 * characters become blanks and half surrogate pairs go, since PostgreSQL stores neither.
 *
 * @param longest default 1,000
 */
export function oneLine(text: string, longest = LONGEST): string {
  const line = text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replace(/\p{Cs}/gu, '\uFFFD')
    .trim();
  if (line.length <= longest) return line;
  return `${line.slice(0, longest - 1).replace(/\p{Cs}$/u, '')}…`;
}
