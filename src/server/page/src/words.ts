const numbers = new Intl.NumberFormat('en');

export function count(value: number): string {
  return numbers.format(value);
}

/** "1 node", "12 nodes". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A duration in its largest unit: "12 min". Never below zero. */
export function short(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A duration in two units: "12 min 05 s". */
export function long(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3_600) % 24} h`;
}

/** Time after a beginning: "+131 ms". */
export function offset(ms: number): string {
  if (Math.abs(ms) < 1_000) return `+${Math.round(ms)} ms`;
  if (ms < 60_000) return `+${(ms / 1_000).toFixed(1)} s`;
  return `+${long(ms)}`;
}

/** What is left until a time; what is over is due. */
export function left(ms: number): string {
  return ms <= 0 ? 'due' : long(ms);
}

export function clock(at: number, withMilliseconds = false): string {
  const date = new Date(at);
  const part = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  const seconds = `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}`;
  return withMilliseconds ? `${seconds}.${part(date.getMilliseconds(), 3)}` : seconds;
}

/** A time as it is: its clock; on another day its date, with its clock where there is room. */
export function stamp(at: number, now: number, full: boolean): string {
  const date = new Date(at);
  if (date.toDateString() === new Date(now).toDateString()) return clock(at);
  const day = date.toLocaleDateString('en', { month: 'short', day: 'numeric' });
  return full ? `${day}, ${clock(at)}` : day;
}

/** Exact, for titles. */
export function exact(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** A long text for the screen; whole on demand. */
export function cut(text: string, length = 300): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
