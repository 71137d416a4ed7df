import { describe, expect, it } from 'vitest';
import { faultsOf, type PartialContracts } from './contract-files.js';

const event = (row: string, more = ''): PartialContracts => ({
  orchestrator: `published_events:\n  - { ${row} }\n${more}`,
});
const intent = (row: string): PartialContracts => ({ reducer: `intents:\n  - { ${row} }\n` });
const INTO_ACTIVE = 'on the way from "ACK_RECEIVED" into "ACTIVE"';
const UNUSED = 'intent_type: "extension", target: "postgres://node_registrations/{node_id}"';
const row = (changes: string): string =>
  'intent_type: "postgres.upsert_registration", correlation_id: "{correlation_id}", node_id: "{node_id}", node_type: ' +
  '"{node_type}", node_version: "{node_version}", endpoints: "{endpoints}", capabilities: "{capabilities}", epoch: ' +
  `"{epoch}", introspected_at: "{introspected_at}", contract_version: "{contract_version}", ${changes}`;

/** Every fault, with the word that stands at its place. */
function placed(files: PartialContracts): string[] {
  const lines = (files.orchestrator ?? files.reducer ?? '').split('\n');
  return faultsOf(files).map((fault) => {
    const [, line, column, message] = /^(\d+):(\d+): (.*)$/.exec(fault) ?? [];
    const text = lines[Number(line) - 1]?.slice(Number(column) - 1) ?? '';
    return `${/^[\w{]+/.exec(text)?.[0]}: ${message}`;
  });
}

describe('a template that cannot be filled is refused', () => {
  it.each<[string, PartialContracts, readonly string[]]>([
    [
      'with a stamp that its event does not have',
      event('action: "emit_became_active", stamps: { extra: "ack" }'),
      [`extra: NodeBecameActive would be refused ${INTO_ACTIVE}: it has no field "extra"; correct this template`],
    ],
    [
      'with a stamp of what every event has',
      event('action: "emit_became_active", stamps: { emitted_at: "ack" }'),
      [
        `emitted_at: NodeBecameActive would be refused ${INTO_ACTIVE}: every event has its emitted_at already, so that a ` +
          'payload may not set it; correct this template',
      ],
    ],
    [
      'with every field of which that is so',
      event('action: "emit_became_active", payload: { node_id: "{node_id}", causation_id: "{correlation_id}" }'),
      ['node_id', 'causation_id'].map(
        (field) =>
          `${field}: NodeBecameActive would be refused ${INTO_ACTIVE}: every event has its ${field} already, ` +
          'so that a payload may not set it; correct this template',
      ),
    ],
    [
      'with all that can be null in it',
      event('action: "emit_ack_received", payload: { liveness_deadline: ["{lease}", "{ack_deadline}", "{attempt}"] }'),
      [
        `liveness_deadline: NodeRegistrationAckReceived would be refused ${INTO_ACTIVE}: liveness_deadline: expected string, got a ` +
          'list of 3; correct this template',
      ],
    ],
    [
      'with more than one name that can be null in it',
      event('action: "emit_ack_received", payload: { liveness_deadline: "2026-01-31T12:00:{rounds}{rounds_left}Z" }'),
      [
        `liveness_deadline: NodeRegistrationAckReceived would be refused ${INTO_ACTIVE}: liveness_deadline: expected an ISO 8601 time ` +
          'with a zone, got "2026-01-31T12:00:nonenoneZ"; {rounds}, {rounds_left} can be null there: name what is known',
      ],
    ],
    [
      'without the payload that its type needs',
      event('action: "emit_other", event_type: "NodeLivenessExpired", topic: "other"'),
      [
        '{: NodeLivenessExpired would be refused: last_heartbeat_at: expected string, got nothing; correct this template',
      ],
    ],
    ...(
      [
        ['{discoverable}', 'false'],
        ['of {capabilities}', String.raw`"of [\"batch\",\"storage\"]"`],
        ['at {endpoints}', String.raw`"at {\"health\":\"http://10.0.0.1:8080/health\"}"`],
      ] as const
    ).map(([template, value]): [string, PartialContracts, readonly string[]] => [
      `with a value of a sample node in it: ${template}`,
      event(`action: "emit_ack_received", payload: { liveness_deadline: "${template}" }`),
      [
        `liveness_deadline: NodeRegistrationAckReceived would be refused ${INTO_ACTIVE}: liveness_deadline: expected ` +
          `${value === 'false' ? 'string' : 'an ISO 8601 time with a zone'}, got ${value}; correct this template`,
      ],
    ]),
    [
      'with a text that is no time once it is filled',
      event('action: "emit_ack_received", payload: { liveness_deadline: "at {liveness_deadline}" }'),
      [
        `liveness_deadline: NodeRegistrationAckReceived would be refused ${INTO_ACTIVE}: liveness_deadline: expected an ISO 8601 time ` +
          'with a zone, got "at 2026-01-31T12:01:00.000Z"; correct this template',
      ],
    ],
    ...(['state', 'entering', 'previous_state'] as const).map((name): [string, PartialContracts, readonly string[]] => [
      `with the name of a state: {${name}}`,
      event(`action: "emit_became_active", payload: { capabilities: "{${name}}" }`),
      [
        `capabilities: NodeBecameActive would be refused ${INTO_ACTIVE}: capabilities: expected record, got ` +
          `"${name === 'entering' ? 'ACTIVE' : 'ACK_RECEIVED'}"; correct this template or the state's name`,
      ],
    ]),
    [
      'with the name of a state somewhere in it',
      event('action: "emit_became_active", payload: { capabilities: { a: "{state}" } }'),
      [
        `capabilities: NodeBecameActive would be refused ${INTO_ACTIVE}: capabilities.a: expected true, got "ACK_RECEIVED"; ` +
          "correct this template or the state's name",
      ],
    ],
    [
      'of another type, where the type is what was changed',
      intent('action: "emit_postgres_end_intent", payload: { intent_type: "consul.register" }'),
      ['service_id', 'service_name', 'tags'].map(
        (field) =>
          `intent_type: consul.register would be refused at the end in "ACK_TIMED_OUT": ${field}: expected ` +
          `${field === 'tags' ? 'array' : 'string'}, got nothing; correct this template`,
      ),
    ],
    [
      'with a field at whatever depth',
      intent('action: "emit_consul_intent", payload: { tags: ["a", "{node_id}", { b: "{reason}" }] }'),
      [
        '{: consul.register would be refused when the reducer enters "pending": tags.2: expected string, got an ' +
          'object; correct this template',
      ],
    ],
    [
      'in an intent that no state asks for, where everything counts as known',
      intent(`action: "emit_other", ${UNUSED}, payload: { ${row('state: "{previous_state}", reducer_status: 7')} }`),
      [
        expect.stringMatching(
          /^reducer_status: postgres\.upsert_registration would be refused: reducer_status: expected string, got 7; correct this template$/,
        ) as string,
      ],
    ],
    [
      'for another node than its own',
      intent('action: "emit_postgres_intent", payload: { node_id: "{node_type}" }, target: "{node_type}"'),
      [
        'node_id: postgres.upsert_registration would be refused when the reducer enters "pending": node_id "effect" is not ' +
          'the node whose run asks for it ("abc-123" in this sample); correct this template',
      ],
    ],
  ])('%s', (_, files, faults) => {
    expect(placed(files)).toEqual(faults);
  });

  it('once for each of its fields, for the first place at which it does not hold', () => {
    const faults = faultsOf(
      event(
        'action: "emit_liveness_expired", payload: { last_heartbeat_at: "{attempt}", colour: "{round}" }',
        'state_machine:\n  transitions:\n' +
          '    - { from_state: "AWAITING_ACK", to_state: "LIVENESS_EXPIRED", trigger: "reducer_failed" }\n',
      ),
    );
    expect(faults.map((fault) => fault.replace(/^.*?refused/, ''))).toEqual([
      ' on the way from "ACTIVE" into "LIVENESS_EXPIRED": last_heartbeat_at: expected string, got 1; correct this template',
      ' on the way from "ACTIVE" into "LIVENESS_EXPIRED": it has no field "colour"; correct this template',
    ]);
  });

  it('where it stands, and not at a transition of the other machine that has the same place there', () => {
    const faults = faultsOf({
      orchestrator:
        'state_machine:\n  transitions:\n' +
        '    - { from_state: "ACCEPTED", to_state: "ACTIVE", trigger: "reducer_idle" }\n',
      reducer:
        'state_machine:\n  transitions:\n' +
        '    - { from_state: "complete", to_state: "failed", trigger: "error_received" }\n',
    });
    expect(faults).toContainEqual(
      expect.stringMatching(/^shipped postgres\.update_registration would be refused .*liveness_deadline/),
    );
  });

  it('not where no state asks for it and it holds', () => {
    expect(
      faultsOf(
        intent(`action: "emit_other", ${UNUSED}, payload: { ${row('state: "{reason}", reducer_status: "{lease}"')} }`),
      ),
    ).toEqual([expect.stringMatching(/reducer_status: expected string, got null/)]);
    expect(
      faultsOf(
        intent(`action: "emit_other", ${UNUSED}, payload: { ${row('state: "{reason}", reducer_status: "{state}"')} }`),
      ),
    ).toEqual([]);
  });
});
