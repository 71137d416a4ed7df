import { store } from './store.js';

const KEY = 'node-registrar times';

/** Times as they were chosen here before, else how long ago they were. */
export function applyTimes(): void {
  show(localStorage.getItem(KEY) === 'absolute');
}

export function toggleTimes(): void {
  show(!store.hasAbsoluteTimes);
  localStorage.setItem(KEY, store.hasAbsoluteTimes ? 'absolute' : 'relative');
}

function show(absolute: boolean): void {
  document.documentElement.dataset.times = absolute ? 'absolute' : 'relative';
  store.showTimes(absolute);
}
