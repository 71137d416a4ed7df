import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** What the figures were measured on. A machine that is busy with something else is worth knowing about. */
export function machine(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, ${memory}, ${type()} ${release()}, node ${process.version}, load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`;
}
