import { existsSync } from 'node:fs';

const DEBIAN = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/**
 * The environment of a process whose clock is off. Only the time of day is: timers run as ever.
 *
 * @throws Error where libfaketime is not there (Debian: apt install libfaketime; or LIBFAKETIME names it)
 */
export function clockOff(seconds: number | undefined): NodeJS.ProcessEnv {
  if (seconds === undefined) return {};
  const library = process.env['LIBFAKETIME'] ?? DEBIAN;
  if (!existsSync(library))
    throw new Error(`${library} is not there: apt install libfaketime, or set LIBFAKETIME to where it is`);
  return {
    LD_PRELOAD: library,
    FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
  };
}
