import { createHash } from 'node:crypto';
import { loadContracts } from '../../src/contracts/load.js';
import { contractView } from '../../src/server/contract/view.js';
import type { FleetNode, RowDetail } from '../../src/server/api/fleet.js';
import type { Act, Unasked } from '../../src/server/api/activity.js';
import type { BackendHealth, Health } from '../../src/server/api/health.js';
import type { EarlierRun, EarlierRunView, NodeView, PendingTry } from '../../src/server/api/node.js';
import { attemptStoryOf } from '../../src/server/node/story.js';
import { healthOf, type HealthFacts } from '../../src/server/sources/health.js';
import type { FleetRead, FleetRow, Sources } from '../../src/server/source.js';

const contracts = loadContracts();
export const contract = contractView(contracts, { env: 'prod', namespace: 'eu' });
export const CONSUL_WORDS = 'Unexpected response code: 500 (No cluster leader)';

const TYPES = ['effect', 'compute', 'reducer', 'orchestrator'] as const;
const MINUTE = 60_000;

/** A fleet without servers: a test says what becomes of it. The heartbeats of who is active go on by themselves. */
export class FakeSources implements Sources {
  readonly #rows = new Map<string, FleetRow>();
  readonly #changed = new Set<string>();
  /** Nodes that send nothing any more. */
  readonly #silent = new Set<string>();
  readonly born = Date.now();
  /** The fleet is shown as it was then; null: as it is. */
  asOf: number | null = null;
  registryFailure: string | null = null;
  consulFailure: string | null = null;
  held: HealthFacts['held'] = {
    state: {
      held_since: null,
      held_seconds: null,
      suspects: 2,
      expired: 1,
      active: 10_010,
      changed_by: null,
      changed_at: null,
    },
    question: {
      topics: ['heartbeats'],
      window_seconds: 90,
      grace_seconds: 15,
      rule: { share: 0.45, floor: 5, max_hold_windows: 10 },
    },
  };
  deadLetters: Health['dead_letters'] = [];
  acts: Act[] = [];
  unasked: Unasked[] = [];
  earlierRuns: EarlierRun[] = [];
  readonly conflicts = new Set<string>();
  readonly bans = new Map<string, NonNullable<NodeView['ban']>>();
  readonly keys = new Map<string, NonNullable<NodeView['key']>>();

  set(id: string, change: Partial<FleetRow> = {}): void {
    const now = Date.now();
    const before = this.#rows.get(id);
    this.#rows.set(id, { ...(before ?? newRow(id, now)), ...change });
    this.#changed.add(id);
  }

  silence(id: string, lastBeat: number): void {
    this.#silent.add(id);
    this.set(id, { beat: lastBeat, lease: lastBeat + 90_000 });
  }

  /** Nodes that are ACTIVE, with made-up ids that are the same in every run. */
  fill(count: number): void {
    for (let at = 0; at < count; at += 1) {
      const digest = createHash('sha256').update(`node ${at}`).digest('hex');
      const id =
        at % 97 === 0
          ? `mailer-${at / 97}`
          : `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
      this.set(id, {
        state: 'ACTIVE',
        type: TYPES[Number.parseInt(digest.slice(0, 2), 16) % 4 === 0 ? at % 4 : 0] ?? 'effect',
        version: ['1.4.2', '1.4.1', '1.3.9'][at % 3] ?? '1.4.2',
        since: this.born - 10 * MINUTE - at * 7_919,
        reducer: 'complete',
        attempt: at % 11 === 0 ? 2 : 1,
      });
    }
  }

  // ---- what the server asks

  readFleet(since: number | null): Promise<FleetRead> {
    if (this.registryFailure !== null) return Promise.reject(new Error(this.registryFailure));
    const { asOf } = this;
    const whole = since === null || asOf !== null;
    const ids = whole ? [...this.#rows.keys()] : [...this.#changed];
    this.#changed.clear();
    // As it is, everything is another one than it was then.
    if (asOf !== null) for (const id of ids) this.#changed.add(id);
    const now = ids.flatMap((id) => this.#withLease(id) ?? []);
    const rows = asOf === null ? now : now.flatMap((row) => rowAsOf(row, asOf));
    const silent = [...this.#silent].flatMap((id) => {
      const row = this.#rows.get(id);
      return row === undefined || row.lease === null || row.ended !== null || row.lease > Date.now()
        ? []
        : [{ id, lease: row.lease, beat: row.beat }];
    });
    const key_conflicts = [...this.keys].flatMap(([id, { conflict }]) => (conflict === null ? [] : [id]));
    return Promise.resolve({ at: Date.now(), whole, rows, silent, conflicts: [...this.conflicts], key_conflicts });
  }

  openRuns() {
    return Promise.resolve([]);
  }

  rowDetails(nodes: readonly FleetNode[]): Promise<readonly RowDetail[]> {
    if (this.registryFailure !== null) return Promise.reject(new Error(this.registryFailure));
    return Promise.resolve(
      nodes.map((node) => {
        const row = this.#withLease(node.id);
        return {
          id: node.id,
          lease: row?.lease ?? null,
          beat: row?.beat ?? null,
          waits_for: node.look === 'backend' ? `Consul, try ${triesOf(node.since).length}: ${CONSUL_WORDS}` : null,
        };
      }),
    );
  }

  node(id: string): Promise<NodeView | null> {
    const row = this.#withLease(id);
    const [ban, key] = [this.bans.get(id) ?? null, this.keys.get(id) ?? null];
    if (row === undefined && ban === null && key === null) return Promise.resolve(null);
    const now = Date.now();
    return Promise.resolve({
      ...(row === undefined ? unregisteredView(id) : viewOf(row)),
      ban,
      key,
      dead_letters: this.deadLetters.filter(({ node_id }) => node_id === id),
      others: this.conflicts.has(id)
        ? [{ instance_id: 'b7c1e0', registered: 'a03f55', since: now - 190_000, last_seen: now - 4_000, lasts: true }]
        : [],
      acts: this.acts.filter(({ node_id }) => node_id === id),
      earlier_runs: this.earlierRuns,
    });
  }

  health(): Health {
    return healthOf({
      backends: ['Consul', 'PostgreSQL', 'Temporal', 'Kafka'].map((name) => this.#backend(name)),
      held: this.held,
      topics: [
        {
          topic: 'prod.eu.onex.evt.node-heartbeat.v1',
          keeps_watermark: true,
          lag: 212,
          lag_before: 190,
          partitions: [600, 400, 300, 550],
        },
        {
          topic: 'prod.eu.onex.cmd.node-registration-acked.v1',
          keeps_watermark: true,
          lag: 0,
          lag_before: 0,
          partitions: [800, 700, 500, 650],
        },
        {
          topic: 'prod.eu.onex.evt.node-introspection.v1',
          keeps_watermark: false,
          lag: 0,
          lag_before: 0,
          partitions: [],
        },
      ],
      swept: true,
      sweep_seconds: 2,
      reconciled: {
        at: new Date(Date.now() - 21_000).toISOString(),
        rows: this.#rows.size,
        entries: this.#rows.size,
        differences: {},
        outcomes: {},
        failure: null,
      },
      reconcile_seconds: 60,
      workers: { polling: ['worker-1', 'worker-2'], queue: 'registration' },
      contract_version: contract.version,
      contracts: [{ version: contract.version, nodes: this.#rows.size }],
      dead_letters: this.deadLetters,
      dead_letters_failure: null,
      waiting: [...this.#rows.values()].filter(({ state }) => state === 'PENDING_REGISTRATION').length,
    });
  }

  earlierRun(id: string, run_id: string): Promise<EarlierRunView | null> {
    const run = this.earlierRuns.find((one) => one.run_id === run_id);
    const row = this.#rows.get(id);
    if (run === undefined || row === undefined) return Promise.resolve(null);
    const { state, began, ended } = run;
    const ending = { attempt: row.attempt - 1, ended, reason: 'no heartbeat within 90 s' };
    const view = viewOf({ ...row, ...ending, state: state ?? row.state, since: began + 700 });
    const { contract_version, steps, spans, orchestrator, reducer } = view;
    const read = { contract_version, steps, spans, orchestrator, reducer, no_answer: null };
    return Promise.resolve({ id, run_id, state, ...ending, ...read });
  }

  activity() {
    return Promise.resolve({ acts: this.acts, unasked: this.unasked });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #withLease(id: string): FleetRow | undefined {
    const row = this.#rows.get(id);
    if (row === undefined || row.state !== 'ACTIVE' || this.#silent.has(id)) return row;
    const now = Date.now();
    const phase = Number.parseInt(createHash('sha256').update(id).digest('hex').slice(0, 4), 16) % 10_000;
    const beat = now - ((now + phase) % 10_000);
    return { ...row, beat, lease: beat + 90_000 };
  }

  #backend(name: string): BackendHealth {
    const failure = name === 'Consul' ? this.consulFailure : null;
    return {
      name,
      address:
        { Consul: 'consul.prod:8501', PostgreSQL: 'pg-main:5432', Temporal: 'temporal:7233', Kafka: '3 brokers' }[
          name
        ] ?? '',
      verdict: failure === null ? 'ok' : 'look',
      p50: 3.4,
      p99: 11,
      failing_since: failure === null ? null : this.born - 48_000,
      failure,
      minutes: Array.from({ length: 60 }, (_, at) =>
        failure !== null && at === 59 ? 'failed' : name === 'PostgreSQL' && (at === 21 || at === 22) ? 'slow' : 'ok',
      ),
      todo: failure === null ? null : 'Look at Consul’s servers and their logs. Registrations go on by themselves.',
    };
  }
}

/** What an operator sees on a day without Consul. */
export function badDay(sources: FakeSources, nodes = 10_000): void {
  const now = sources.born;
  sources.fill(nodes);
  sources.consulFailure = CONSUL_WORDS;
  const pending = [
    ['pdf-render-03', 'effect', 52],
    ['ledger-fold-11', 'reducer', 47],
    ['ocr-9', 'compute', 41],
    ['mailer-7x', 'effect', 33],
  ] as const;
  for (const [id, type, age] of pending)
    sources.set(id, {
      state: 'PENDING_REGISTRATION',
      type,
      since: now - age * 1_000,
      reducer: 'partial',
      attempt: id === 'pdf-render-03' ? 3 : 1,
    });
  sources.set('geo-lookup-2', {
    state: 'AWAITING_ACK',
    since: now - 44_000,
    round: 2,
    ack_deadline: now + 16_000,
    reducer: 'complete',
  });
  sources.set('sms-gateway-1', {
    state: 'AWAITING_ACK',
    since: now - 71_000,
    round: 3,
    ack_deadline: now + 19_000,
    reducer: 'complete',
  });
  sources.set('thumb-5', { state: 'ACTIVE', since: now - 5 * 86_400_000, reducer: 'complete' });
  sources.silence('thumb-5', now - 96_000);
  const ended = [
    ['LIVENESS_EXPIRED', 'thumb-2', 12, 'no heartbeat within 90 s (last one: 20:04:11)'],
    ['ACK_TIMED_OUT', 'sms-gateway-4', 33, 'no acknowledgement in 3 rounds of 30 s'],
    ['REJECTED', 'ocr-legacy-1', 8, 'node version 0.9.4 is older than 1.0.0: upgrade it'],
  ] as const;
  for (const [state, id, minutes, reason] of ended)
    sources.set(id, {
      state,
      reason,
      since: now - minutes * MINUTE,
      ended: now - minutes * MINUTE,
      version: state === 'REJECTED' ? '0.9.4' : '1.4.2',
    });
  for (let at = 0; at < 40; at += 1)
    sources.set(`left-${at}`, {
      state: 'DEREGISTERED',
      reason: 'the node left',
      since: now - (at + 1) * 31 * MINUTE,
      ended: now - (at + 1) * 31 * MINUTE,
    });
  sources.deadLetters = [
    {
      id: '3-17',
      at: now - 23 * MINUTE,
      node_id: 'pdf-render-09',
      reason: 'endpoints.health: not a URL: "10.0.4.9:8080"',
      from: 'prod.eu.onex.evt.node-introspection.v1, partition 3, offset 88213',
      text: '{"node_id":"pdf-render-09"}',
      replayed: false,
      stays: null,
    },
    {
      id: '0-4',
      at: now - 51 * MINUTE,
      node_id: null,
      reason: 'a batch of records that no Kafka client can read',
      from: 'prod.eu.onex.evt.node-heartbeat.v1, partition 0, offset 5521',
      text: '',
      replayed: false,
      stays: 'a batch whose bytes no client can read: its sender must send it again',
    },
  ];
  sources.set('mailer-2', {});
  sources.conflicts.add('mailer-2');
  sources.bans.set('ocr-legacy-1', {
    who: 'ada',
    why: 'it corrupts the queue of its type, and starts again and again',
    since: now - 3 * 60 * MINUTE,
  });
  sources.bans.set('scraper-x', { who: 'grace', why: null, since: now - 26 * 60 * MINUTE });
  sources.keys.set('mailer-2', {
    thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    bound_at: now - 40 * 60 * MINUTE,
    bound_by: 'first message',
    conflict: {
      words:
        'heartbeats, refused: it is signed by a key that does not speak for its node: key ' +
        'Jk2hXbVq8wq1uTzqYvB0yV7m7fPj0sQ8rWnZ3xUeT1A, and key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k is bound, ' +
        'which has not handed over to it',
      at: now - 4 * MINUTE,
    },
  });
  sources.unasked = [
    {
      id: 2,
      at: now - 31 * MINUTE,
      part: 'reconciler',
      node_id: 'search-index-12',
      what: 'ACTIVE in the registry (attempt 1), and Consul does not show it: its run writes it again',
    },
    {
      id: 1,
      at: now - 5 * 60 * MINUTE,
      part: 'self-preservation',
      node_id: null,
      what: 'It holds no more: enough of the nodes are back.',
    },
  ];
  sources.acts = [
    {
      id: 2,
      at: now - 7 * MINUTE,
      who: 'ada',
      why: 'Consul had no leader when it began',
      what: 'retry',
      node_id: 'pdf-render-03',
      outcome: 'Node pdf-render-03 is being registered again: attempt 3.',
      refused: false,
    },
    {
      id: 1,
      at: now - 26 * 60 * MINUTE,
      who: 'grace',
      why: null,
      what: 'release self-preservation',
      node_id: null,
      outcome: 'Self-preservation does not hold: 3 of 10,184 nodes are gone.',
      refused: true,
    },
  ];
}

/** Who ended later was active, who is on its way later was not there, and who became active then was on its way. */
function rowAsOf(row: FleetRow, at: number): FleetRow[] {
  if (row.state === 'ACTIVE')
    return [Math.abs(row.since - at) < MINUTE / 2 ? { ...row, state: 'PENDING_REGISTRATION' } : row];
  if (row.since <= at) return [row];
  return row.ended === null ? [] : [{ ...row, state: 'ACTIVE', ended: null }];
}

function newRow(id: string, now: number): FleetRow {
  return {
    id,
    type: 'effect',
    version: '1.4.2',
    state: 'PENDING_REGISTRATION',
    reason: null,
    attempt: 1,
    since: now,
    ended: null,
    reducer: 'pending',
    round: null,
    ack_deadline: null,
    lease: null,
    beat: null,
    recorded: true,
  };
}

/** The times of tries by the shipped policy: 1 s, doubled, at most 10 s. */
function triesOf(since: number, now = Date.now()): number[] {
  const tries: number[] = [];
  let pause = 1_000;
  for (let at = since + 112; at <= now; pause = Math.min(10_000, pause * 2)) {
    tries.push(at);
    at += pause;
  }
  return tries;
}

/** Nearly half the fleet is silent at once. */
export function heldBack(now: number): NonNullable<HealthFacts['held']> {
  return {
    state: {
      held_since: new Date(now - 192_000).toISOString(),
      held_seconds: 192,
      suspects: 4_812,
      expired: 2,
      active: 10_184,
      changed_by: 'itself',
      changed_at: new Date(now - 192_000).toISOString(),
    },
    question: {
      topics: ['heartbeats'],
      window_seconds: 90,
      grace_seconds: 15,
      rule: { share: 0.45, floor: 5, max_hold_windows: 10 },
    },
  };
}

/** A run's journal as it would stand there, and what Temporal would say of its activities. */
function viewOf(row: FleetRow): NodeView {
  const { state, since } = row;
  const waiting = state === 'PENDING_REGISTRATION';
  const begun = waiting ? since : since - 700;
  const at = (ms: number): string => new Date(begun + ms).toISOString();
  const journal = [
    { at: at(0), what: `registration attempt ${row.attempt} begins: introspection (startup) of ${at(0)}` },
    { at: at(12), what: 'unknown -> PENDING_REGISTRATION' },
    { at: at(51), what: 'published NodeRegistrationInitiated' },
    { at: at(130), what: 'postgres.registration_upserted' },
    ...(waiting
      ? []
      : [
          { at: at(127), what: 'consul.registered' },
          { at: at(131), what: 'PENDING_REGISTRATION -> ACCEPTED' },
          { at: at(161), what: 'published NodeRegistrationAccepted' },
          { at: at(165), what: 'ACCEPTED -> AWAITING_ACK' },
        ]),
    ...(waiting || state === 'AWAITING_ACK'
      ? []
      : [
          { at: at(198), what: 'AWAITING_ACK -> ACK_RECEIVED' },
          { at: at(266), what: 'published NodeRegistrationAckReceived, NodeBecameActive' },
          { at: at(268), what: 'ACK_RECEIVED -> ACTIVE' },
        ]),
    ...(row.ended === null
      ? []
      : [{ at: new Date(row.ended).toISOString(), what: `ACTIVE -> ${state}: ${row.reason ?? ''}` }]),
  ].sort((a, b) => a.at.localeCompare(b.at));
  const tries = triesOf(since);
  const pending: PendingTry[] = waiting
    ? [
        {
          activity: 'registerInConsul',
          backend: 'consul',
          attempt: tries.length + 1,
          limit: null,
          failure: CONSUL_WORDS,
          next_at: Math.max(Date.now() + 1_000, (tries.at(-1) ?? since) + 10_000),
          tries,
        },
      ]
    : [];
  const reducer = waiting ? 'partial' : 'complete';
  return {
    now: Date.now(),
    id: row.id,
    node: { ...row, look: row.lease !== null && row.lease < Date.now() ? 'silent' : null },
    facts: {
      correlation_id: '3f6c0e1a-77d2-4c1e-9d0b-0a55f2c891ab',
      epoch: row.attempt,
      instance_id: 'a03f55',
      capabilities: ['mail.send', 'mail.render'],
      endpoints: { health: 'http://10.0.3.7:8080/health' },
      contract_version: contract.version,
      introspected_at: begun,
      active_at: null,
    },
    run: {
      run_id: '0198f3aa-1111-7222-8333-444455556666',
      open: row.ended === null,
      ended_as: row.ended === null ? null : 'completed',
      events: 28,
    },
    state,
    attempt: row.attempt,
    no_answer: null,
    confirmed: { consul: !waiting, postgres: true },
    round: row.round ?? 1,
    rounds: 3,
    ack_deadline: row.ack_deadline,
    contract_version: contract.version,
    pending,
    ...attemptStoryOf(
      journal,
      { state, since, reducer, ended: row.ended !== null, silent: row.lease !== null && row.lease < Date.now() },
      contracts.compiled,
    ),
    dead_letters: [],
    others: [],
    ban: null,
    key: null,
    acts: [],
    earlier_runs: [],
    links: {
      temporal: 'http://temporal.example/namespaces/default/workflows/registration',
      runs: `http://temporal.example/namespaces/default/workflows?query=NodeId%3D%22${row.id}%22`,
      consul: 'http://consul.example/ui/services',
    },
    unasked: [],
  };
}

/** What is answered of a node that has no row and no run. */
function unregisteredView(id: string): NodeView {
  const standing = { state: null, since: null, reducer: null, ended: false, silent: false };
  return {
    ...viewOf(newRow(id, Date.now())),
    node: null,
    facts: null,
    run: null,
    state: null,
    attempt: null,
    pending: [],
    ...attemptStoryOf([], standing, contracts.compiled),
    links: { temporal: null, runs: null, consul: null },
  };
}
