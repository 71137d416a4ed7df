/** Answers whether it used the key. */
type Handler = (key: string) => boolean;

const handlers: Handler[] = [];
let before = '';

/** Handles keys that are not typed into a field; the newest handler is asked first. @returns what ends it */
export function onKey(handler: Handler): () => void {
  handlers.unshift(handler);
  return () => void handlers.splice(handlers.indexOf(handler), 1);
}

/** Two keys one after the other, as "g f"; every other key alone. */
export function startKeyboard(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    if (target instanceof HTMLElement && target.matches('input, textarea, select')) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const key = before === 'g' && /^[a-z]$/.test(event.key) ? `g ${event.key}` : event.key;
    before = event.key;
    if (handlers.some((handler) => handler(key))) event.preventDefault();
  });
}
