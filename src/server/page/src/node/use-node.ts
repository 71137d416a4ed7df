import { useEffect, useState } from 'react';
import type { NodeView } from '../../../api/node.js';
import { getJson } from '../get-json.js';
import { store } from '../store.js';

export type NodeAnswer =
  | { readonly kind: 'asking' }
  | { readonly kind: 'known'; readonly view: NodeView }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly words: string };

const EVERY_MS = 1_000;

/** A node, asked for each second while somebody looks, and at once when the stream says that it changed. */
export function useNode(id: string): { readonly answer: NodeAnswer; readonly again: () => void } {
  const [answer, setAnswer] = useState<NodeAnswer>({ kind: 'asking' });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const over = new AbortController();
    let timer: number | undefined;
    const refresh = async (): Promise<void> => {
      clearTimeout(timer);
      if (!document.hidden) {
        const found = await getJson<NodeView>(`/api/nodes/${encodeURIComponent(id)}`, over.signal);
        if (over.signal.aborted) return;
        if (found.kind === 'ok') setAnswer({ kind: 'known', view: found.data });
        else if (found.kind === 'refused' && found.status === 404) setAnswer({ kind: 'unknown' });
        // What was known stays on the screen; the banner says that it is old.
        else setAnswer((before) => (before.kind === 'known' ? before : { kind: 'failed', words: found.words }));
      }
      timer = window.setTimeout(() => void refresh(), EVERY_MS);
    };
    void refresh();
    const unsubscribe = store.subscribeRow(id, () => void refresh());
    return () => {
      over.abort();
      clearTimeout(timer);
      unsubscribe();
    };
  }, [id, asked]);
  return { answer, again: () => setAsked((times) => times + 1) };
}
