import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { validate } from '@readme/openapi-parser';
import { describe, expect, it } from 'vitest';
import { areaOf, currentPages, foldersDiagram, reachable, readArrows } from '../../../tools/docs.js';

const ROOT = join(import.meta.dirname, '../../..');
const arrows = readArrows();

function files(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));
}

describe('the table of arrows', () => {
  it('has a row for every source file', () => {
    const sources = ['src', 'workflows', 'activities'].flatMap((folder) => files(folder, '.ts'));
    expect(sources.filter((file) => areaOf(file, arrows) === undefined)).toEqual([]);
  });

  it('names only what is there', () => {
    const named = [...Object.keys(arrows), ...Object.values(arrows).flat()];
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('would show a circle', () => {
    const circle = reachable({ a: ['b/one.ts'], b: ['c'], c: ['a'] });
    expect(circle.get('a')).toEqual(new Set(['b', 'c', 'a']));
  });

  it('has no arrow that runs back up', () => {
    expect([...reachable(arrows)].flatMap(([area, reached]) => (reached.has(area) ? [area] : []))).toEqual([]);
  });

  it('is drawn without the arrows that others imply', () => {
    const diagram = foldersDiagram({ a: ['b', 'c'], b: ['c/one.ts'], c: ['helper.ts'], 'helper.ts': [] });
    expect(diagram.split('\n').filter((line) => line.includes('-->'))).toEqual(['    a --> b', '    b -->|one.ts| c']);
  });
});

describe('pages', () => {
  it('have current generated parts', async () => {
    for (const [file, text] of Object.entries(await currentPages()))
      expect(readFileSync(join(ROOT, file), 'utf8'), `${file}: npm run docs writes it`).toBe(text);
  });

  it('describe the read API in an OpenAPI document that is valid, and would be refused if it were not', async () => {
    const text = readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8');
    expect(await validate(JSON.parse(text) as never)).toMatchObject({ valid: true, warnings: [] });
    const broken = JSON.parse(text.replaceAll('"responses":', '"answers":')) as never;
    expect((await validate(broken)).valid).toBe(false);
  });

  it('link only to files that are there', () => {
    const pages = [...files('docs', '.md'), 'CONTRIBUTING.md', 'CHANGELOG.md'].filter(
      (page) => !page.startsWith('docs/api/'),
    );
    const broken = pages.flatMap((page) =>
      [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
