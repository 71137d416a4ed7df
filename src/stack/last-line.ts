/** A line at the end of a terminal that goes away when something else is written. */
interface LastLine {
  clear(): void;
}

const lines = new Set<LastLine>();

/** @returns what takes it out again */
export function keepLast(line: LastLine): () => void {
  lines.add(line);
  return () => lines.delete(line);
}

/** Something else is about to be written. */
export function clearLastLines(): void {
  for (const line of lines) line.clear();
}
