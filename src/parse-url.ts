/**
 * A text as a URL, or null where it is none. URL.canParse is of no use: in Node 20 and 22 it refuses letters between
 * 128 and 255 ("ü") once it has been called some thousand times and was compiled (measured: from call 4,515 on).
 *
 * @param base what a relative URL is joined to
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
