import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A built file of the page. */
export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  /** Its name holds a digest of its content. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
};

/** The page was not built, and so cannot be served. */
class PageNotBuilt extends Error {
  constructor(directory: string) {
    super(
      `the fleet page is not built: ${join(directory, 'index.html')} is not there; build it with: npm run build:page`,
    );
    this.name = 'PageNotBuilt';
  }
}

/** Where the built page is: dist/page of the package, whether this runs from src/ or from dist/. */
export function pageDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return join(directory, 'dist', 'page');
}

/**
 * Reads the built page once: it is a handful of files, and nothing else of the
 * disk can ever be asked for.
 *
 * @throws PageNotBuilt
 */
export function loadAssets(directory: string = pageDirectory()): ReadonlyMap<string, Asset> {
  if (!existsSync(join(directory, 'index.html'))) throw new PageNotBuilt(directory);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const type = TYPES[extname(entry.name)];
      if (type === undefined) return [];
      const url = path.slice(directory.length).replaceAll('\\', '/');
      return [[url, { body: readFileSync(path), type, immutable: url.startsWith('/assets/') }]];
    }),
  );
}
