import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { pino } from 'pino';
import { errorText } from '../../error-text.js';
import { openCluster } from '../../kafka/cluster.js';
import { createKafka } from '../../kafka/client.js';
import type { KafkaConnection } from '../../kafka/connection.js';
import { spawnGuarded, type GuardedCommand } from '../guardian.js';
import { acceptsConnections, waitUntilHealthy } from '../health.js';
import { which } from '../locate.js';
import { findJava, JAVA, MAVEN } from '../prerequisites.js';
import type { ProvisionContext } from '../provision/context.js';
import { whileLocked } from '../provision/install.js';
import { installKafka, KAFKA, kafkaClassPath, provisionedKafka } from '../provision/kafka.js';
import { choosePorts, portOf, type Ports } from '../ports.js';
import { splitHostPort, type Environment } from '../state/servers.js';
import { StackError } from '../state/errors.js';
import type { Installed, ServerKind } from './kind.js';

/** Kafka as broker and controller in one process (KRaft). */
export const kafka: ServerKind = {
  name: 'kafka',
  title: 'Kafka',
  variable: 'KAFKA_BROKERS',
  usualPorts: { broker: 9092, controller: 9093 },
  startWithinMs: 90_000,
  provisionNeeds: [MAVEN, JAVA],

  find({ env, cacheRoot }) {
    const start = which(['kafka-server-start.sh', 'kafka-server-start'], env);
    if (start !== undefined) return fromScripts(start);
    const directory = provisionedKafka(cacheRoot);
    return existsSync(directory) ? fromJars(directory) : undefined;
  },

  async provision(context) {
    return fromJars(await installKafka(context));
  },

  addresses(ports) {
    return { kafka: [`127.0.0.1:${portOf(ports, 'broker')}`] };
  },

  probe({ kafka: brokers }, { kafka }) {
    return probeBrokers({ ...kafka, brokers });
  },
};

const PROBE_TIMEOUT_MS = 3_000;

async function probeBrokers(connection: KafkaConnection): Promise<void> {
  const [first] = connection.brokers;
  if (first === undefined) throw new StackError('no Kafka broker is given');
  const { host, port } = splitHostPort(first);
  await acceptsConnections(host, port);
  const kafka = createKafka({ ...connection, clientId: 'node-registrar-probe', logger: pino({ level: 'silent' }) });
  const cluster = await openCluster(kafka, PROBE_TIMEOUT_MS);
  try {
    if ((await cluster.brokers()) === 0) throw new Error('no broker is registered yet');
  } finally {
    await cluster.close();
  }
}

/** One cluster a machine, so a fixed id does: it only has to be the same at each start. */
const CLUSTER_ID = 'bm9kZS1yZWdpc3RyYQ';

/** What makes a JVM start quickly and stay small; measured: 3.2 s to the first answer without, 2.3 s with. */
const JVM_FLAGS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

const LOG_FLAGS = ['defaultLogLevel=warn', 'showDateTime=true', 'dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS'].map(
  (setting) => `-Dorg.slf4j.simpleLogger.${setting}`,
);

function serverProperties(ports: Ports, logDirectory: string): string {
  const broker = `127.0.0.1:${portOf(ports, 'broker')}`;
  const controller = `127.0.0.1:${portOf(ports, 'controller')}`;
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${broker}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDirectory,
    'auto.create.topics.enable': false,
    // One broker cannot hold the three replicas that these topics want, and one partition is created fastest.
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A group's first member need not wait for others: it would cost each start three seconds.
    'group.initial.rebalance.delay.ms': 0,
    // After a kill -9 the new broker is let in once the old one's session is over; 9 s by default.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Writes the configuration, and formats the log directory the first time. */
async function prepare(directory: string, ports: Ports, format: (config: string) => Promise<unknown>): Promise<string> {
  const log = join(directory, 'log');
  const config = join(directory, 'server.properties');
  await mkdir(directory, { recursive: true });
  await writeFile(config, serverProperties(ports, log));
  // Written when formatting is done, so an interrupted one is done again.
  const formatted = join(directory, 'formatted');
  if (existsSync(formatted)) return config;
  await rm(log, { recursive: true, force: true });
  await format(config);
  await writeFile(formatted, '');
  return config;
}

// ---- a Kafka of the user's, by its scripts

function fromScripts(start: string): Installed {
  const storage = ['kafka-storage.sh', 'kafka-storage']
    .map((name) => join(dirname(start), name))
    .find((path) => existsSync(path));
  return {
    where: `Kafka on PATH (${start})`,
    needs: [JAVA],
    async launch({ directory, ports, env }) {
      if (storage === undefined)
        throw new StackError(`${start} has no kafka-storage.sh beside it, which is needed to format its directory`);
      const config = await prepare(directory, ports, (file) =>
        execa(storage, ['format', '-t', CLUSTER_ID, '-c', file], {
          env: { ...env, LOG_DIR: join(directory, 'jvm') },
          extendEnv: false,
          cwd: directory,
        }),
      );
      const variables = {
        LOG_DIR: join(directory, 'jvm'),
        KAFKA_HEAP_OPTS: '-Xmx512m',
        KAFKA_JVM_PERFORMANCE_OPTS: JVM_FLAGS.join(' '),
      };
      return {
        command: start,
        args: [config],
        env: { ...env, ...variables },
        cwd: directory,
        stopSignal: 'TERM',
        graceSeconds: 8,
      };
    },
  };
}

// ---- the provisioned Kafka, by its jars

function fromJars(jars: string): Installed {
  return {
    where: `kafka ${KAFKA.version}`,
    needs: [JAVA],
    async launch(context) {
      const java = findJava(context.env);
      if (java === undefined) throw new StackError('Kafka needs Java, and there is none on PATH');
      const classPath = await kafkaClassPath(jars);
      const archive = await classArchive(jars, { java, classPath }, context.provisioning);
      return serverCommand(
        { java, classPath },
        context.directory,
        context.ports,
        context.env,
        archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`],
      );
    },
  };
}

interface JavaProgram {
  readonly java: string;
  readonly classPath: string;
}

/** Formats the directory the first time, and answers the command that runs Kafka on it. */
async function serverCommand(
  { java, classPath }: JavaProgram,
  directory: string,
  ports: Ports,
  env: Environment,
  flags: readonly string[],
): Promise<GuardedCommand> {
  const all = [...JVM_FLAGS, ...LOG_FLAGS, ...flags, '-cp', classPath];
  const config = await prepare(directory, ports, (file) =>
    execa(java, [...all, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file], {
      env: { ...env },
      extendEnv: false,
      cwd: directory,
    }),
  );
  return {
    command: java,
    args: [...all, 'kafka.Kafka', config],
    env,
    cwd: directory,
    stopSignal: 'TERM',
    graceSeconds: 8,
  };
}

/**
 * The archive of Kafka's loaded classes for this Java, made at its first use by running Kafka once: with it Kafka
 * answers in 1.3 s instead of 2.3 s. A Java that cannot make one runs Kafka without.
 */
async function classArchive(
  jars: string,
  program: JavaProgram,
  context: ProvisionContext,
): Promise<string | undefined> {
  const real = realpathSync(program.java);
  const key = createHash('sha256')
    .update(`${real} ${statSync(real).mtimeMs} ${JVM_FLAGS.join(' ')}`)
    .digest('hex')
    .slice(0, 12);
  const archive = join(jars, `classes-${key}.jsa`);
  if (existsSync(archive)) return archive;
  return whileLocked(archive, "Kafka's class archive", context, async () => {
    if (existsSync(archive)) return archive;
    context.onProgress({
      kind: 'step',
      about: context.about,
      text: 'preparing Kafka for quick starts, once for this Java',
    });
    try {
      await train(archive, program, context);
      return archive;
    } catch (error) {
      context.signal?.throwIfAborted();
      context.onProgress({
        kind: 'step',
        about: context.about,
        text: `going on without a class archive: ${errorText(error)}`,
      });
      return undefined;
    }
  });
}

async function train(archive: string, program: JavaProgram, context: ProvisionContext): Promise<void> {
  const workDir = `${archive}.work`;
  const draft = join(workDir, 'classes.jsa');
  await rm(workDir, { recursive: true, force: true });
  await mkdir(workDir, { recursive: true });
  const ports = await choosePorts({ broker: 0, controller: 0 });
  const command = await serverCommand(program, workDir, ports, context.env, [`-XX:ArchiveClassesAtExit=${draft}`]);
  const logFile = join(workDir, 'kafka.log');
  const log = openSync(logFile, 'a');
  try {
    // The archive is written after the shutdown, which therefore takes longer than usual.
    const guarded = spawnGuarded({ ...command, graceSeconds: 60 }, log);
    try {
      const brokers = [`127.0.0.1:${portOf(ports, 'broker')}`];
      await waitUntilHealthy(() => probeBrokers({ brokers }), {
        withinMs: 60_000,
        title: 'Kafka',
        logFile,
        ended: guarded.exited,
        ...(context.signal && { signal: context.signal }),
      });
    } finally {
      await guarded.stop();
    }
    await rename(draft, archive);
  } finally {
    closeSync(log);
    await rm(workDir, { recursive: true, force: true });
  }
}
