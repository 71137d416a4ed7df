import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import type { Config } from '../../config/index.js';
import { errorText } from '../../error-text.js';
import { hasCode } from '../../stack/state/errors.js';

/** Where people look first. */
const USUAL_PORT = 7300;

/** The fleet page that `up` and `demo` serve beside their work. */
export interface PageBeside {
  /** null: it is not served, and why was reported. */
  readonly url: string | null;
  close(): Promise<void>;
}

export interface PageBesideOptions {
  /** People may act from the page. */
  readonly actions: boolean;
  /** Gets what a person should read on the way. */
  readonly print: (text: string) => void;
  /** Default: a file beside those of worker and bridge. */
  readonly logger?: Logger;
}

/**
 * Builds the page if it must, and serves it at its usual port, or at any free one. It is loaded only now: what starts a
 * registrar must not wait for it. Never throws: a registrar without its page is a registrar.
 */
export async function startPage(config: Config, options: PageBesideOptions): Promise<PageBeside> {
  const { actions, print } = options;
  try {
    const [{ ensurePage }, { startUi }] = await Promise.all([import('./page-build.js'), import('./start-ui.js')]);
    await ensurePage(() => print('The fleet page is being built, which takes seconds.'));
    const log = options.logger ?? fileLogger(join(config.dataDir, 'logs', 'page.log'));
    const at = (port: number) => startUi(config, { host: '127.0.0.1', port, hostNames: [], actions }, log);
    return await at(USUAL_PORT).catch((error: unknown) => {
      // Somebody else's page, or another registrar's.
      if (error instanceof Error && hasCode(error.cause, 'EADDRINUSE')) return at(0);
      throw error;
    });
  } catch (error) {
    print(`The fleet page is not served: ${errorText(error)}`);
    return { url: null, close: () => Promise.resolve() };
  }
}

function fileLogger(dest: string): Logger {
  return pino(
    { level: process.env.LOG_LEVEL ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest, mkdir: true, sync: false }),
  );
}
