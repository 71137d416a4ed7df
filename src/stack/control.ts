import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { errorText } from '../error-text.js';
import { hasCode, StackError } from './state/errors.js';
import { SERVER_NAMES, type ServerName } from './state/servers.js';

const requestSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('status') }),
  z.object({ action: z.enum(['stop', 'start']), server: z.enum(SERVER_NAMES) }),
]);

const serverStatusSchema = z.object({
  /** outside: its address was given and somebody else runs it */
  state: z.enum(['outside', 'starting', 'running', 'stopped', 'exited']),
  address: z.string(),
});

const replySchema = z.union([
  z.object({ pid: z.number(), servers: z.record(z.enum(SERVER_NAMES), serverStatusSchema) }),
  z.object({ error: z.string() }),
]);

/** What another terminal may ask of the process that runs a stack. */
export type OwnerRequest = z.infer<typeof requestSchema>;

export type ServerStatus = z.infer<typeof serverStatusSchema>;

/** The stack as its owner sees it after the request was carried out. */
export interface OwnerReply {
  readonly pid: number;
  readonly servers: Readonly<Record<ServerName, ServerStatus>>;
}

/** What an owner does with a request. */
export type HandleRequest = (request: OwnerRequest) => Promise<OwnerReply>;

/** A request may start Kafka, and a machine may be slow. */
const ANSWER_WITHIN_MS = 90_000;

/** The socket's address ends up in a field of 108 bytes, whatever the length of the path. */
const LONGEST_SOCKET_PATH = 107;

/** Where the owner of a data directory listens; a directory with a long path has its socket in the temporary one. */
export function controlSocket(dataDir: string): string {
  const path = join(resolve(dataDir), 'control.sock');
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return path;
  const directory = join(tmpdir(), `node-registrar-${process.getuid?.() ?? 'user'}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, `${createHash('sha256').update(path).digest('hex').slice(0, 16)}.sock`);
}

/** Asks the running owner of a data directory; fails with its reason, or when nobody runs a stack there. */
export async function askOwner(
  dataDir: string,
  request: OwnerRequest,
  withinMs = ANSWER_WITHIN_MS,
): Promise<OwnerReply> {
  const socket = await dial(controlSocket(dataDir));
  if (socket === undefined) {
    throw new StackError(
      `no stack is running on ${resolve(dataDir)}; start one with 'registrar up' or 'registrar demo'`,
    );
  }
  try {
    const line = await exchange(socket, JSON.stringify(request), withinMs);
    const reply = replySchema.parse(JSON.parse(line));
    if ('error' in reply) throw new StackError(reply.error);
    return reply;
  } finally {
    socket.destroy();
  }
}

/** Connects when somebody listens there: the kernel answers for an owner, even one too busy to answer itself. */
export function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    // It stays, for an error after the connecting: whoever uses the socket has a listener of their own.
    socket.on('error', (error) => {
      if (hasCode(error, 'ENOENT', 'ECONNREFUSED', 'ENOTDIR')) resolve(undefined);
      else reject(error);
    });
  });
}

function exchange(socket: Socket, line: string, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new StackError(`the process that runs the stack gave no answer within ${withinMs / 1000} s`)),
      withinMs,
    );
    const ended = () => reject(new StackError('the process that runs the stack ended before it answered'));
    socket.on('error', ended);
    socket.once('close', () => {
      clearTimeout(late);
      ended();
    });
    firstLine(socket, resolve);
    socket.write(`${line}\n`);
  });
}

function firstLine(socket: Socket, onLine: (line: string) => void): void {
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (text) => {
    const before = received.includes('\n');
    received += text.toString();
    if (!before && received.includes('\n')) onLine(received.slice(0, received.indexOf('\n')));
  });
}

/** Listens for requests of other terminals. */
export function listen(path: string, handle: HandleRequest): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      // Who hangs up before the answer gets none.
      socket.on('error', () => socket.destroy());
      firstLine(
        socket,
        (line) => void answerLine(line, handle).then((reply) => socket.end(`${JSON.stringify(reply)}\n`)),
      );
    });
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

async function answerLine(line: string, handle: HandleRequest): Promise<OwnerReply | { error: string }> {
  try {
    return await handle(requestSchema.parse(JSON.parse(line)));
  } catch (error) {
    return { error: errorText(error) };
  }
}
