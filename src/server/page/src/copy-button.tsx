import { useState } from 'react';
import { Icon } from './glyph.js';

/** Copies a text; says that it did, or selects nothing and says that it could not. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('copied');
    } catch {
      // Browsers give the clipboard to secure pages only.
      setSaid('select it and copy by hand: this page may not use the clipboard');
    }
    setTimeout(() => setSaid(''), 2_000);
  };
  return (
    <>
      <button type="button" className="icon-button" aria-label={label} title={label} onClick={() => void copy()}>
        <Icon name="copy" />
      </button>
      <span className="copied" role="status">
        {said}
      </span>
    </>
  );
}
