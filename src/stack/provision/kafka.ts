import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyDirectory } from './checksum.js';
import type { ProvisionContext } from './context.js';
import { installDir, installOnce } from './install.js';
import { KAFKA_JARS } from './kafka-jars.js';
import { runTool } from './run.js';

export const KAFKA = { name: 'kafka', version: '4.3.1' };

const LOG_BINDING = '1.7.36';
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>node-registrar</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA.version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>${LOG_BINDING}</version>
    </dependency>
  </dependencies>
</project>
`;

/** The directory of Kafka's jars in a cache, whether it is there already or not. */
export function provisionedKafka(cacheRoot: string): string {
  return installDir(cacheRoot, KAFKA);
}

/** Installs Kafka's jars and answers their directory. */
export async function installKafka(context: ProvisionContext): Promise<string> {
  return installOnce(KAFKA, context, async (workDir) => {
    const jars = join(workDir, 'jars');
    await rm(jars, { recursive: true, force: true });
    await mkdir(jars);
    await writeFile(join(workDir, 'pom.xml'), POM);
    context.onProgress({ kind: 'step', about: context.about, text: `downloading Kafka ${KAFKA.version} with Maven` });
    const args = [
      '-B',
      `${DEPENDENCY_PLUGIN}:copy-dependencies`,
      `-DoutputDirectory=${jars}`,
      '-DincludeScope=runtime',
    ];
    const total = Object.keys(KAFKA_JARS).length;
    const arrived = new Set<string>();
    await runTool('mvn', args, context, {
      cwd: workDir,
      onLine: (line) => {
        // Maven downloads its plugins' jars too; those are not counted.
        const jar = /^(?:\[INFO\] )?Downloaded from .*\/([^/ ]+\.jar) /.exec(line)?.[1];
        if (jar === undefined || !(jar in KAFKA_JARS)) return;
        arrived.add(jar);
        context.onProgress({
          kind: 'progress',
          about: context.about,
          text: 'downloading',
          done: arrived.size,
          total,
          unit: 'files',
        });
      },
    });
    await verifyDirectory(jars, KAFKA_JARS);
    return jars;
  });
}

/** Kafka's class path, in a fixed order: the class archive is valid for exactly this string. */
export async function kafkaClassPath(directory: string): Promise<string> {
  const jars = (await readdir(directory)).filter((file) => file.endsWith('.jar')).sort();
  return jars.map((jar) => join(directory, jar)).join(':');
}
