import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, type ProcessIdentity } from './processes.js';
import { hasCode, StackError } from './errors.js';
import type { ServerName } from './servers.js';

const identity = z.object({ pid: z.number().int().positive(), born: z.string() });

const stateSchema = z.object({
  /** The process that runs the stack; the file outlives it, for the ports. */
  owner: identity,
  /** Guardians of the servers that were started, which outlive a killed owner by seconds. */
  guardians: z.array(identity),
  /** Ports last used, by server and purpose: used again when free, because clients remember addresses. */
  ports: z.partialRecord(z.enum(['temporal', 'kafka', 'consul', 'postgres']), z.record(z.string(), z.number())),
  /** Addresses of the servers that this stack runs; those given from outside are not here. */
  addresses: z.object({
    temporal: z.string().optional(),
    temporalUi: z.string().optional(),
    kafka: z.array(z.string()).optional(),
    consul: z.string().optional(),
    postgres: z.string().optional(),
  }),
});

/** What a stack writes down about itself in its data directory. */
export type StackState = z.infer<typeof stateSchema>;

/** The addresses of servers that a stack of ours runs. */
export type OwnAddresses = StackState['addresses'];

export const stateFile = (dataDir: string): string => join(dataDir, 'stack.json');

/** Reads what the last or the running stack wrote down; undefined when there never was one. */
export function readState(dataDir: string): StackState | undefined {
  const file = stateFile(dataDir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  const parsed = stateSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new StackError(
      `${file} is not what this version writes (${z.prettifyError(parsed.error)}). Remove it; the data stays.`,
    );
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema's message is better: "expected object, received undefined".
    return undefined;
  }
}

/** Writes the state so that a reader sees the old or the new one, never half of it. */
export function writeState(dataDir: string, state: StackState): void {
  mkdirSync(dataDir, { recursive: true });
  const draft = `${stateFile(dataDir)}.${process.pid}.draft`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(draft, stateFile(dataDir));
}

/** The stack that runs on this data directory now, if any. */
export function runningState(dataDir: string): StackState | undefined {
  const state = readState(dataDir);
  return state !== undefined && isAlive(state.owner) ? state : undefined;
}

/** Ports that a server had last time. */
export function lastPorts(state: StackState | undefined, name: ServerName): Record<string, number> {
  return state?.ports[name] ?? {};
}

/** The guardians of a previous stack that have not ended yet. */
export function livingGuardians(state: StackState | undefined): ProcessIdentity[] {
  return (state?.guardians ?? []).filter(isAlive);
}
