import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes } from 'kafkajs';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { CLIENT } from '../../src/kafka/client.js';
import { buildAck } from '../../src/protocol/ack.js';
import { buildHeartbeat } from '../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { eventually, Installation } from './installation.js';
import { readWatermarks } from './read-watermarks.js';

const known = (node_id: string) => ({ node_id, node_type: 'effect', node_version: '1.2.3' }) as const;

/** An installation whose nodes say only what a test sends for them, by a clock of their own. */
export class WorldByHand {
  readonly #topics: ReturnType<typeof bridgeTopics>;

  private constructor(readonly registrar: Installation) {
    this.#topics = bridgeTopics(registrar.contracts, registrar.config);
  }

  static async start(contractsDir: string): Promise<WorldByHand> {
    return new WorldByHand(await Installation.start(contractsDir));
  }

  get heartbeats(): string {
    return this.#topics.heartbeats[0];
  }

  get acks(): string {
    return this.#topics.acks[0];
  }

  get introspections(): string {
    return this.#topics.introspections[0];
  }

  async state(node_id: string): Promise<string | undefined> {
    return (await readRegistryRow(this.registrar.pool, node_id))?.state;
  }

  said(node_id: string, type: string): boolean {
    return this.registrar.of(node_id).some(({ event: { event_type } }) => event_type === type);
  }

  /** For how many seconds its lease has been over. */
  async silentFor(node_id: string): Promise<number> {
    const deadline = (await readRegistryRow(this.registrar.pool, node_id))?.lease_deadline ?? null;
    return deadline === null ? 0 : (Date.now() - Date.parse(deadline)) / 1_000;
  }

  expired() {
    return this.registrar.published.filter(({ event: { event_type } }) => event_type === 'NodeLivenessExpired');
  }

  async set(topic: string, ...settings: readonly { readonly name: string; readonly value: string }[]) {
    const admin = this.registrar.kafka[CLIENT]().admin();
    const configEntries = settings.map((one) => ({ ...one }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
    await admin.disconnect();
  }

  /** How old the lowest watermark of the heartbeats is, in seconds. */
  async age(): Promise<number> {
    const rows = await readWatermarks(this.registrar.pool, this.heartbeats);
    return (Date.now() - Math.min(...rows.map(({ watermark }) => Date.parse(watermark)))) / 1_000;
  }

  /** Sends by a clock that is so many seconds ahead. */
  async #send(topic: string, record: ReturnType<typeof buildHeartbeat>, ahead: number): Promise<void> {
    const producer = this.registrar.kafka[CLIENT]().producer();
    await producer.connect();
    const { key, value, headers } = record;
    const timestamp = String(Date.now() + ahead * 1_000);
    await producer.send({ topic, messages: [{ key, value, headers: { ...headers }, timestamp }] });
    await producer.disconnect();
  }

  /** Returns the correlation_id. */
  async introduce(node_id: string, ahead = 0): Promise<string> {
    const correlation_id = randomUUID();
    const data = { endpoints: { health: 'http://10.0.0.1:8080/' }, capabilities: [], reason: 'startup' } as const;
    const record = buildIntrospection({ ...known(node_id), ...data, correlation_id }, new Date());
    await this.#send(this.introspections, record, ahead);
    return correlation_id;
  }

  beat(node_id: string, ahead = 0): Promise<void> {
    return this.#send(this.heartbeats, buildHeartbeat({ ...known(node_id), uptime_seconds: 1 }, new Date()), ahead);
  }

  /** Returns the correlation_id that its ack must carry. */
  async accepted(node_id: string, ahead = 0): Promise<string> {
    const correlation_id = await this.introduce(node_id, ahead);
    await eventually('it is accepted', 20, () => this.said(node_id, 'NodeRegistrationAccepted'));
    return correlation_id;
  }

  acknowledge(node_id: string, correlation_id: string, ahead = 0): Promise<void> {
    return this.#send(this.acks, buildAck({ node_id, correlation_id }, new Date()), ahead);
  }

  /** An active node that beats only when the test does. */
  async join(ahead = 0): Promise<string> {
    const node_id = randomUUID();
    await this.acknowledge(node_id, await this.accepted(node_id, ahead), ahead);
    await eventually('it is active', 20, async () => (await this.state(node_id)) === 'ACTIVE');
    return node_id;
  }
}
