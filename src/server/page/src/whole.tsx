import { cut } from './words.js';

/** A text that may be long: cut, and whole on demand. */
export function Whole({ text }: { text: string }) {
  const short = cut(text);
  if (short === text) return text;
  return (
    <details className="whole">
      <summary>
        <span className="cut">{short}</span>
      </summary>
      {text}
    </details>
  );
}
