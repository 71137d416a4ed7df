/*
 * Loaded into worker and bridge, and into each of their threads, before their own code: whoever connects to one port is
 * connected to another one, the proxy's. CHAOS_REROUTE is "from:to".
 */
const { Socket } = require('node:net');

const [from, to] = (process.env.CHAOS_REROUTE ?? '').split(':').map(Number);
const { connect } = Socket.prototype;

Socket.prototype.connect = function (...args) {
  // node:net hands its own arguments on as one list.
  const where = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof where === 'object' && where !== null && Number(where.port) === from) where.port = to;
  return connect.apply(this, args);
};
