import { Socket } from 'node:net';

/**
 * Loaded into worker and bridge before their own code: whoever connects to one port is connected to another one, the
 * proxy's. CHAOS_REROUTE is "from:to".
 */
const [from, to] = (process.env['CHAOS_REROUTE'] ?? '').split(':').map(Number);

interface Where {
  port?: number | string;
}

type Connect = (this: Socket, ...args: unknown[]) => Socket;

const prototype = Socket.prototype as unknown as { connect: Connect };
const { connect } = prototype;
prototype.connect = function (...args) {
  // node:net hands its own arguments on as one list.
  const [first] = args;
  const where = (Array.isArray(first) ? (first as unknown[])[0] : first) as Where | null;
  if (typeof where === 'object' && where !== null && Number(where.port) === from && to !== undefined) where.port = to;
  return connect.apply(this, args);
};
