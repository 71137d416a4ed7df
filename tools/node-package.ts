import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown, type OutputChunk, type RolldownPluginOption } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

/**
 * Builds the SDK of src/node as a package of its own, `@node-registrar/node`, in dist/node-package/: `npm run
 * build:node`. It depends on what must be a package in the node's own tree; of all other libraries the bundle has what
 * it uses, with their licences. zod alone is 8 MB as a package, and 0.3 MB of it are used.
 */

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'dist/node-package');

/** The Kafka client, which is patched in place; programs in machine code; and what a process has one of, for all. */
const DEPENDENCIES = ['kafkajs', 'lz4-napi', 'snappy', 'pino', '@opentelemetry/api'];
/** Whoever observes nodes with it has it already. */
const OPTIONAL_PEERS = ['prom-client'];

const input = { index: join(ROOT, 'src/node/index.ts'), metrics: join(ROOT, 'src/node/metrics.ts') };

/** The fields of package.json that both packages share. */
interface Manifest {
  readonly version: string;
  readonly keywords: readonly string[];
  readonly homepage: string;
  readonly bugs: string;
  readonly repository: object;
  readonly author: string;
  readonly license: string;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
}

async function bundle(entryFileNames: string, plugins: RolldownPluginOption): Promise<OutputChunk[]> {
  const external = [...DEPENDENCIES, ...OPTIONAL_PEERS].map((name) => new RegExp(`^${name}($|/)`));
  const checks = { bundlerTimings: false };
  const build = await rolldown({ cwd: ROOT, input, platform: 'node', external, plugins, checks });
  try {
    const { output } = await build.write({ dir: OUT, format: 'esm', entryFileNames, chunkFileNames: entryFileNames });
    return output.filter((one) => one.type === 'chunk');
  } finally {
    await build.close();
  }
}

/** The package that a module or an import is of; undefined for a file of ours. */
const packageOf = (path: string): string | undefined => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];

function manifest(chunks: readonly OutputChunk[], registrar: Manifest): object {
  const { version, keywords, homepage, bugs, repository, author, license, engines } = registrar;
  const imported = chunks.flatMap(({ imports }) => imports);
  const ranges = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, rangeOf(name, imported, registrar)]));
  return {
    name: '@node-registrar/node',
    version,
    description: 'Registers a node with a node-registrar, and keeps it registered',
    keywords,
    homepage,
    bugs,
    repository,
    author,
    license,
    type: 'module',
    engines,
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './metrics': { types: './metrics.d.ts', default: './metrics.js' },
      './package.json': './package.json',
    },
    dependencies: ranges(DEPENDENCIES),
    peerDependencies: ranges(OPTIONAL_PEERS),
    peerDependenciesMeta: Object.fromEntries(OPTIONAL_PEERS.map((name) => [name, { optional: true }])),
  };
}

/** The registrar's own range, but never one exact version: a node's other libraries need these packages too. */
function rangeOf(name: string, imported: readonly string[], { dependencies }: Manifest): string {
  const range = dependencies[name];
  if (range === undefined)
    throw new Error(`package.json has no dependency ${name}: take it out of tools/node-package.ts`);
  if (!imported.includes(name))
    throw new Error(`the SDK does not import ${name}: take it out of tools/node-package.ts`);
  return range.replace(/^\d/, '^$&');
}

/** The licences of what is in the bundle, word for word. */
async function licences(chunks: readonly OutputChunk[]): Promise<string> {
  const names = new Set(chunks.flatMap(({ moduleIds }) => moduleIds.flatMap((id) => packageOf(id) ?? [])));
  const texts = [...names].sort().map(async (name) => {
    const folder = join(ROOT, 'node_modules', name);
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string;
      license: string;
    };
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${folder} has no licence: it cannot be in the bundle`);
    const text = (await readFile(join(folder, file), 'utf8')).trim();
    return `${'-'.repeat(80)}\n${name} ${version}: ${license}\n\n${text}\n`;
  });
  return ['Libraries in this package, and their licences:\n', ...(await Promise.all(texts))].join('\n');
}

const registrar = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest;
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const code = await bundle('[name].js', []);
// Only what the SDK imports is looked at. What is internal names types of libraries that a node need not have.
const { compilerOptions } = JSON.parse(await readFile(join(ROOT, 'tsconfig.json'), 'utf8')) as {
  compilerOptions: object;
};
const types = dts({
  cwd: ROOT,
  tsconfig: false,
  compilerOptions: { ...compilerOptions, stripInternal: true },
  emitDtsOnly: true,
});
await bundle('[name].ts', types);
await writeFile(join(OUT, 'package.json'), `${JSON.stringify(manifest(code, registrar), null, 2)}\n`);
await writeFile(join(OUT, 'LICENSES.txt'), await licences(code));
await copyFile(join(ROOT, 'LICENSE'), join(OUT, 'LICENSE'));
await copyFile(join(ROOT, 'src/node/README.md'), join(OUT, 'README.md'));
