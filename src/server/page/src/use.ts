import { useCallback, useSyncExternalStore } from 'react';
import type { FleetNode } from '../../api/fleet.js';
import { store } from './store.js';

/** Draws again when anything but the nodes changes. */
export function useFrame<T>(read: () => T): T {
  return useSyncExternalStore(store.frame.subscribe, read);
}

/** Grows with each change of the fleet. */
export function useFleetVersion(): number {
  return useSyncExternalStore(store.fleet.subscribe, () => store.version);
}

/** A node of the fleet; draws again when it changes. */
export function useRow(id: string): FleetNode | undefined {
  const subscribe = useCallback((listener: () => void) => store.subscribeRow(id, listener), [id]);
  return useSyncExternalStore(subscribe, () => store.get(id));
}

/** Texts of a node's row; draws again only when what has come of the node, or the time, makes them others. */
export function useRowTexts(id: string, read: (now: number) => string): string {
  const subscribe = useCallback(
    (listener: () => void) => {
      const ends = [store.subscribeRow(id, listener), subscribeTicks(listener)];
      return () => ends.forEach((end) => end());
    },
    [id],
  );
  return useSyncExternalStore(subscribe, () => read(store.registryNow()));
}

const tickers = new Set<() => void>();
let timer: number | undefined;

function subscribeTicks(listener: () => void): () => void {
  tickers.add(listener);
  timer ??= window.setInterval(() => {
    for (const tick of tickers) tick();
  }, 1_000);
  return () => {
    tickers.delete(listener);
    if (tickers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** A text that depends on the time; draws again only when the text is another one. */
export function useTimed<T extends string | number | boolean>(read: (now: number) => T): T {
  return useSyncExternalStore(subscribeTicks, () => read(store.now()));
}
