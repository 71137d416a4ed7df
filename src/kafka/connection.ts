/** Where Kafka is, and who asks: plain data. */
export interface KafkaConnection {
  /** host:port of one or more brokers; an IPv6 address in brackets. */
  readonly brokers: readonly string[];
  /** Default: neither TLS nor SASL, which is what Kafka calls PLAINTEXT. */
  readonly security?: KafkaSecurity;
}

export interface KafkaSecurity {
  /** TLS; `{}` trusts the CAs that Node trusts, and shows no certificate. Default: none. */
  readonly tls?: KafkaTls;
  /** Who this client is. Default: nobody, or whoever its certificate names. */
  readonly sasl?: KafkaSasl;
}

export interface KafkaTls {
  /** PEM: the CAs that sign the brokers' certificates. Default: those that Node trusts. */
  readonly ca?: string;
  /** PEM: this client's certificate, and those between it and its CA. */
  readonly certificate?: string;
  /** PEM: the key of `certificate`. */
  readonly key?: string;
  readonly keyPassword?: string;
  /** false: a broker's certificate may name any host. Default true. */
  readonly checkHostname?: boolean;
}

export type KafkaSasl = KafkaPassword | KafkaToken;

export interface KafkaPassword {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

export type KafkaToken = {
  readonly mechanism: 'OAUTHBEARER';
  /** SASL extensions that the broker asks for, by their names, which are letters: { logicalCluster: 'lkc-1' }. */
  readonly extensions?: Readonly<Record<string, string>>;
} & (TokenCommand | ClientCredentials);

/** A command of the shell that prints a token. */
export interface TokenCommand {
  readonly tokenCommand: string;
}

/** OIDC's client credentials. */
export interface ClientCredentials {
  /** URL that answers with an access_token. */
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
}
