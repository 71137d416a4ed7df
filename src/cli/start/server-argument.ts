import { Argument } from 'commander';
import { SERVER_NAMES } from '../../stack/state/servers.js';

/** An argument that names one of the embedded servers. */
export function serverArgument(): Argument {
  return new Argument('<server>', 'which one').choices(SERVER_NAMES);
}
