import { EventEmitter } from 'node:events';
import type { Pool } from 'pg';

/** What a statement answers: rows, or how many it has changed. */
export interface Answer {
  readonly rows?: readonly object[];
  readonly rowCount?: number;
}

type Values = readonly unknown[];
type Answering = (values: Values) => Answer | Promise<Answer>;

/** A connection as pg hands it out. Once it is given back it takes nothing more; an error that nobody awaits throws. */
class FakeSession extends EventEmitter {
  readonly #answer: (text: string, values: Values) => Promise<Answer>;
  #ended: 'given back' | 'closed' | null = null;

  constructor(answer: (text: string, values: Values) => Promise<Answer>) {
    super();
    this.#answer = answer;
  }

  get ended(): 'given back' | 'closed' | null {
    return this.#ended;
  }

  async query(text: string, values: Values = []): Promise<Answer> {
    if (this.#ended !== null) throw new Error('Client was closed and is not queryable');
    return this.#answer(text, values);
  }

  release(close?: boolean): void {
    if (this.#ended !== null) throw new Error('Release called on client which has already been released to the pool.');
    this.#ended = close === true ? 'closed' : 'given back';
  }
}

/**
 * A database that answers the statements that a test expects, each known by words of its own, and refuses others, and
 * wrong numbers of parameters.
 */
export function fakeDatabase<Name extends string>(
  statements: Readonly<Record<Name, readonly [string | RegExp, Answering]>>,
) {
  const asked: { readonly name: Name; readonly values: Values }[] = [];
  const sessions: FakeSession[] = [];
  const away: { error: Error | null } = { error: null };
  const answer = async (text: string, values: Values = []): Promise<Answer> => {
    if (away.error !== null) throw away.error;
    const found = (Object.keys(statements) as Name[]).filter((name) => text.search(wordsOf(statements[name][0])) >= 0);
    const [name] = found;
    if (name === undefined || found.length > 1) throw new Error(`${found.length} expect the statement: ${text}`);
    const wanted = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
    if (wanted !== values.length) throw new Error(`${name} takes ${wanted} parameters, not ${values.length}`);
    asked.push({ name, values });
    return { rows: [], rowCount: 0, ...(await statements[name][1](values)) };
  };
  const pool = {
    query: answer,
    connect: () => {
      if (away.error !== null) return Promise.reject(away.error);
      const session = new FakeSession(answer);
      sessions.push(session);
      return Promise.resolve(session);
    },
  } as unknown as Pool;
  return {
    pool,
    sessions,
    away,
    /** The parameters of each time that a statement was asked. */
    askedFor: (name: Name): readonly Values[] => asked.flatMap((one) => (one.name === name ? [one.values] : [])),
  };
}

function wordsOf(known: string | RegExp): RegExp {
  return typeof known === 'string' ? new RegExp(known.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')) : known;
}
