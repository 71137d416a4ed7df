import { MultiBar, type SingleBar } from 'cli-progress';
import pc from 'picocolors';
import { BusyLine } from './busy-line.js';
import type { OnProgress, StackEvent } from './types.js';

type Measured = Extract<StackEvent, { kind: 'progress' }>;

/** Shows the events of a stack: bars when a person watches, plain lines otherwise. */
export interface ProgressReporter {
  readonly onProgress: OnProgress;
  /** Ends the bars, so that other output can follow. */
  stop(): void;
}

/** Creates the reporter that fits the stream. */
export function progressReporter(stream: NodeJS.WriteStream = process.stderr): ProgressReporter {
  return stream.isTTY ? barReporter(stream) : lineReporter((line) => stream.write(`${line}\n`));
}

/** One line per step, and one per tenth of anything measured. */
export function lineReporter(write: (line: string) => void): ProgressReporter {
  const tenths = new Map<string, number>();
  return {
    onProgress(event) {
      if (event.kind !== 'progress') return write(`${event.about}: ${sentence(event)}`);
      const key = `${event.about} ${event.text}`;
      const tenth = Math.floor((10 * event.done) / event.total);
      if (tenth <= (tenths.get(key) ?? 0)) return;
      tenths.set(key, tenth);
      write(`${event.about}: ${event.text} ${amounts(event)}`);
    },
    stop() {
      tenths.clear();
    },
  };
}

function barReporter(stream: NodeJS.WriteStream): ProgressReporter {
  const bars = new Map<string, SingleBar>();
  let multi: MultiBar | undefined;
  // Bars say by themselves that something goes on.
  const busy = new BusyLine(stream, () => (multi === undefined ? 'starting' : null));
  const print = (line: string) => {
    busy.clear();
    if (multi === undefined) stream.write(`${line}\n`);
    else multi.log(`${line}\n`);
  };
  const stopBars = () => {
    multi?.stop();
    multi = undefined;
    bars.clear();
  };
  const remove = (about: string) => {
    const bar = bars.get(about);
    if (bar === undefined) return;
    multi?.remove(bar);
    bars.delete(about);
    if (bars.size === 0) stopBars();
  };
  return {
    stop() {
      stopBars();
      busy.stop();
    },
    onProgress(event) {
      if (event.kind !== 'progress') {
        remove(event.about);
        return print(
          `${pc.bold(event.about.padEnd(9))} ${event.kind === 'ready' ? pc.green(sentence(event)) : sentence(event)}`,
        );
      }
      busy.clear();
      multi ??= new MultiBar({
        stream,
        hideCursor: true,
        clearOnComplete: true,
        format: ` {about} {bar} {text} {amounts}`,
        fps: 5,
      });
      const bar = bars.get(event.about) ?? multi.create(event.total, 0, { about: '', text: '', amounts: '' });
      bars.set(event.about, bar);
      bar.setTotal(event.total);
      bar.update(Math.min(event.done, event.total), {
        about: event.about.padEnd(9),
        text: event.text,
        amounts: amounts(event),
      });
    },
  };
}

function sentence(event: Exclude<StackEvent, Measured>): string {
  return event.kind === 'ready' ? `${event.text} (${(event.ms / 1000).toFixed(1)} s)` : event.text;
}

function amounts({ done, total, unit }: Measured): string {
  switch (unit) {
    case 'bytes':
      return `${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
    case 'files':
    case 'packages':
      return `${done} of ${total} ${unit}`;
  }
}
