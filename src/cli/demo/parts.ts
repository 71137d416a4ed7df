import type { Fleet } from '../../node/index.js';
import type { Stopping } from '../processes/stopping.js';
import type { Registrar } from '../up/registrar.js';
import type { PageBeside } from '../ui/page-beside.js';
import type { DemoOptions } from './options.js';
import type { Screen } from './screen.js';

/** What a demo works with. */
export interface DemoParts {
  readonly options: DemoOptions;
  readonly fleet: Fleet;
  readonly registrar: Registrar;
  readonly screen: Screen;
  /** Serves the fleet page, once: whoever asks again gets the same. */
  readonly page: () => Promise<PageBeside>;
  readonly stopping: Stopping;
  /** When the command was given, in milliseconds since 1970. */
  readonly began: number;
}
