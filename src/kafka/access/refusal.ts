import type { KafkaHandle, Who } from '../client.js';
import { causesOf, KafkaRefusal, refusalIn, topicOf, typeOf } from './kafka-refusal.js';
import { coordinatorRefusal, missingTopics, type KafkaOperation } from './rights.js';

/** The rights that a call needs. */
export interface Need {
  readonly operation: KafkaOperation;
  readonly topics?: readonly string[];
  readonly group?: string;
}

/** Whether an error is an answer to what this client is or may do, in kafkajs's words or in ours. */
export function isRefused(error: unknown): boolean {
  return causesOf(error).some((one) => one instanceof KafkaRefusal || REFUSED.test(`${typeOf(one)} ${one.name}`));
}

const REFUSED = /AUTHORIZATION_FAILED|SASL/;

/**
 * Calls the broker, and puts what it refuses into words.
 *
 * @param need without: the call only connects
 * @throws KafkaRefusal that says which right is missing, or what to set; any other error as it is
 */
export async function explained<T>(kafka: KafkaHandle, need: Need | null, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw await explainRefusal(kafka, need, error);
  }
}

/** The error, or what it means. */
export async function explainRefusal(kafka: KafkaHandle, need: Need | null, error: unknown): Promise<unknown> {
  if (refusalIn(error) !== undefined) return error;
  const words = (await rightsWords(kafka, need, error)) ?? accessWords(kafka.who, need, error);
  return words === undefined ? error : new KafkaRefusal(words.what, words.todo, error);
}

interface Words {
  readonly what: string;
  readonly todo: string;
}

/** An unauthorised request of many topics is answered without saying which: so the broker is asked. */
async function rightsWords(kafka: KafkaHandle, need: Need | null, error: unknown): Promise<Words | undefined> {
  const hidden =
    need?.group !== undefined && causesOf(error).some(({ name }) => name === 'KafkaJSGroupCoordinatorNotFound')
      ? await coordinatorRefusal(kafka, need.group)
      : undefined;
  const types = causesOf(error).concat(causesOf(hidden)).map(typeOf);
  const is = (kind: string): boolean => types.includes(`${kind}_AUTHORIZATION_FAILED`);
  if (is('TOPIC')) {
    const { operation = 'DESCRIBE', topics = [] } = need ?? {};
    const named = causesOf(error).flatMap(topicOf);
    const missing = named.length > 0 ? named : await missingTopics(kafka, topics, operation);
    return lacking(kafka.who, operation, 'topic', missing);
  }
  if (is('GROUP')) return lacking(kafka.who, groupOperation(need), 'group', [need?.group ?? []].flat());
  if (is('CLUSTER')) return lacking(kafka.who, need?.operation ?? 'DESCRIBE', 'cluster', []);
  return undefined;
}

/** A group is joined and committed to with READ, whatever is done with the topics. */
function groupOperation(need: Need | null): KafkaOperation {
  return need === null || need.topics !== undefined ? 'READ' : need.operation;
}

function lacking(who: Who | undefined, operation: KafkaOperation, kind: string, names: readonly string[]): Words {
  const on = `${kind}${names.length > 1 ? 's' : ''}${names.length === 0 ? '' : ` ${names.join(', ')}`}`;
  const user = who?.username === undefined ? 'the user of this client' : `User:${who.username}`;
  return {
    what: `Kafka does not let ${user} ${operation} the ${on}`,
    todo:
      `Add an ACL (kafka-acls --add --allow-principal ${who?.username === undefined ? 'User:…' : user} --operation ` +
      `${operation} --${[kind, ...names.slice(0, 1)].join(' ')}); docs/production.md lists what each part needs`,
  };
}

/** What TLS and SASL refuse. */
function accessWords(who: Who | undefined, need: Need | null, error: unknown): Words | undefined {
  const causes = causesOf(error);
  const sasl = causes.find((one) => /SASL/.test(`${typeOf(one)} ${one.name}`));
  if (sasl !== undefined) return saslWords(who, sasl);
  const connection = causes.find((one) => one.name === 'KafkaJSConnectionError' && 'code' in one);
  const code = connection !== undefined && 'code' in connection ? String(connection.code) : '';
  const tls = TLS.find(({ codes }) => codes.test(code));
  if (tls !== undefined) return { what: `${tls.what} (${shortened(connection?.message ?? '')})`, todo: tls.todo };
  if (need === null && causes.some(({ name }) => name === 'KafkaJSConnectionClosedError'))
    return {
      what: 'The broker closes the connection',
      todo: `If it goes on doing so, its listener does not speak ${who?.protocol ?? 'PLAINTEXT'}: ${PROTOCOL}`,
    };
  return undefined;
}

/** Of OpenSSL's own lines only the part for people. */
function shortened(message: string): string {
  return /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message.trim();
}

const PROTOCOL = 'set KAFKA_SECURITY_PROTOCOL (security of the SDK) to what the listener speaks';

const TLS: readonly (Words & { readonly codes: RegExp })[] = [
  {
    codes: /ALTNAME_INVALID/,
    what: "The broker's certificate is another host's",
    todo:
      'Connect by a name that it holds; or set KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM=none ' +
      '(security.tls.checkHostname), and any host of that CA is believed',
  },
  {
    codes: /SELF_SIGNED|UNABLE_TO|CERT_|INVALID_CA|PATH_LENGTH/,
    what: "The broker's certificate is not trusted",
    todo: 'Set KAFKA_SSL_CA_LOCATION (security.tls.ca of the SDK) to the PEM of the CA that signed it',
  },
  {
    codes: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/,
    what: 'The listener does not speak TLS',
    todo: `${PROTOCOL[0]?.toUpperCase()}${PROTOCOL.slice(1)}`,
  },
  {
    codes: /ALERT/,
    what: 'The broker does not accept this client’s certificate',
    todo:
      'Set KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION (security.tls of the SDK) to one that is signed ' +
      'by a CA which the broker trusts',
  },
];

function saslWords(who: Who | undefined, error: Error): Words {
  const mechanism = who?.mechanism ?? 'SASL';
  if (typeOf(error) === 'ILLEGAL_SASL_STATE')
    return {
      what: 'The listener takes no SASL',
      todo: 'Set KAFKA_SECURITY_PROTOCOL (security of the SDK) to what it speaks',
    };
  if (typeOf(error) === 'UNSUPPORTED_SASL_MECHANISM' || error.message.includes('not supported by the server'))
    return {
      what: `The listener does not offer ${mechanism}`,
      todo: 'Set KAFKA_SASL_MECHANISM (security.sasl of the SDK) to one of its sasl.enabled.mechanisms',
    };
  const user = who?.username === undefined ? 'the token' : `User:${who.username}`;
  return {
    what: `Kafka does not accept ${user} by ${mechanism} (${error.message})`,
    todo:
      who?.username === undefined
        ? 'Check the token command, or endpoint, client id and secret (KAFKA_SASL_OAUTHBEARER_…, security.sasl of ' +
          'the SDK)'
        : 'Check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM (security.sasl of the SDK): the ' +
          'user must exist for this mechanism, with this password',
  };
}
