import type { ServerName } from '../state/servers.js';
import { consul } from './consul.js';
import { kafka } from './kafka.js';
import type { ServerKind } from './kind.js';
import { postgres } from './postgres.js';
import { temporal } from './temporal.js';

/** The four servers by name. */
export const SERVERS: Readonly<Record<ServerName, ServerKind>> = { temporal, kafka, consul, postgres };
