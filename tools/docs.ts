import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';
import { mermaidOf } from '../src/contracts/diagram.js';
import { loadContracts } from '../src/contracts/load.js';
import { asyncApi } from './asyncapi.js';
import { openApi } from './openapi.js';

/**
 * The parts of the pages that are made from code: `npm run docs` writes them, and a unit test fails when they are not
 * current. A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
 */

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** For each folder or file: what it may import besides itself. The lint enforces the same table. */
export type Arrows = Readonly<Record<string, readonly string[]>>;

export const readArrows = (): Arrows => JSON.parse(read('tools/arrows.json')) as Arrows;

/** The row that a path belongs to: the longest one that contains it. */
export function areaOf(path: string, arrows: Arrows): string | undefined {
  return Object.keys(arrows)
    .filter((area) => path === area || path.startsWith(`${area}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Each area with the areas that it may import, those that it may import through another one included. */
export function reachable(arrows: Arrows): Map<string, Set<string>> {
  const direct = (area: string): string[] =>
    (arrows[area] ?? []).flatMap((path) => areaOf(path, arrows) ?? []).filter((other) => other !== area);
  const reached = new Map<string, Set<string>>();
  for (const area of Object.keys(arrows)) {
    const found = new Set<string>();
    const open = direct(area);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(...direct(next));
    }
    reached.set(area, found);
  }
  return reached;
}

/** A single file below which nothing lies is no layer: everybody may use it, and a picture of it says nothing. */
const isHelper = (area: string, arrows: Arrows): boolean => area.endsWith('.ts') && arrows[area]?.length === 0;

/** The folders as a Mermaid flow chart. An arrow that a longer way of arrows implies is left out. */
export function foldersDiagram(arrows: Arrows): string {
  const reached = reachable(arrows);
  const areas = Object.keys(arrows).filter((area) => !isHelper(area, arrows));
  const id = (area: string): string => area.replace(/\W/g, '_');
  const lines = ['flowchart TD', ...areas.map((area) => `    ${id(area)}["${area}"]`)];
  for (const area of areas) {
    const targets = new Map<string, string[]>();
    for (const path of arrows[area] ?? []) {
      const target = areaOf(path, arrows);
      if (target === undefined || target === area || isHelper(target, arrows)) continue;
      targets.set(target, [
        ...(targets.get(target) ?? []),
        ...(path === target ? [] : [path.slice(target.length + 1)]),
      ]);
    }
    for (const [target, files] of targets) {
      const implied = [...targets.keys()].some((between) => between !== target && reached.get(between)?.has(target));
      if (implied) continue;
      lines.push(`    ${id(area)} -->${files.length > 0 ? `|${files.join(', ')}|` : ''} ${id(target)}`);
    }
  }
  return lines.join('\n');
}

export interface Decision {
  readonly file: string;
  readonly title: string;
  readonly date: string;
  readonly status: string;
}

/** The decisions, by file name; each one's second paragraph is "Date: 2026-11-24. Status: accepted." */
export function readDecisions(): Decision[] {
  return readdirSync(join(ROOT, 'docs/decisions'))
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .sort()
    .map((file) => {
      const text = read(`docs/decisions/${file}`);
      const head = /^# (.+)\n\nDate: (\d{4}-\d{2}-\d{2})\. Status: ([^.]+(?:\.md[^.]*)?)\.\n/.exec(text);
      if (head === null)
        throw new Error(
          `docs/decisions/${file}: begin with "# Title", an empty line, and "Date: YYYY-MM-DD. Status: accepted."`,
        );
      const [, title = '', date = '', status = ''] = head;
      return { file, title, date, status };
    });
}

/** The alerts that ship for Prometheus. What a template fills in is a "…" here. */
function readAlerts(): { alert: string; summary: string; description: string }[] {
  const { groups } = parse(read('docs/monitoring/alerts.yaml')) as {
    groups: { rules: { alert: string; annotations: { summary: string; description: string } }[] }[];
  };
  const plain = (text: string): string => text.replaceAll(/\{\{.*?\}\}/g, '…');
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, annotations: { summary, description } }) => ({
      alert,
      summary: plain(summary),
      description: plain(description),
    })),
  );
}

const mermaid = (diagram: string): string => `\`\`\`mermaid\n${diagram}\n\`\`\``;

/** Each page that is generated or has generated parts, as it is when they are current. */
export async function currentPages(): Promise<Record<string, string>> {
  const arrows = readArrows();
  const { reducer, orchestrator } = loadContracts().compiled;
  const helpers = Object.keys(arrows).filter((area) => isHelper(area, arrows));
  const rows = readDecisions().map(({ file, title, date, status }) => `| [${title}](${file}) | ${date} | ${status} |`);
  const alerts = readAlerts().map(
    ({ alert, summary, description }) => `| \`${alert}\` | ${summary} | ${description} |`,
  );
  return {
    'docs/architecture.md': await withParts('docs/architecture.md', {
      folders: mermaid(foldersDiagram(arrows)),
      helpers: `Not drawn: ${helpers.map((area) => `\`${area}\``).join(', ')}, which import nothing of ours.`,
      reducer: mermaid(mermaidOf(reducer)),
      orchestrator: mermaid(mermaidOf(orchestrator)),
    }),
    'docs/decisions/README.md': await withParts('docs/decisions/README.md', {
      decisions: ['| decision | date | status |', '| --- | --- | --- |', ...rows].join('\n'),
    }),
    'docs/asyncapi.yaml': await formatted('docs/asyncapi.yaml', asyncApi()),
    'docs/production.md': await withParts('docs/production.md', {
      alerts: ['| alert | means | what to do |', '| --- | --- | --- |', ...alerts].join('\n'),
    }),
    'docs/openapi.json': await formatted('docs/openapi.json', await openApi()),
  };
}

async function withParts(file: string, parts: Readonly<Record<string, string>>): Promise<string> {
  let text = read(file);
  for (const [name, part] of Object.entries(parts)) {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
    const [before, rest] = split(text, begin, file);
    const [, after] = split(rest, end, file);
    text = `${before}${begin}\n\n${part}\n\n${end}${after}`;
  }
  return formatted(file, text);
}

async function formatted(file: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(join(ROOT, file))), filepath: join(ROOT, file) });
}

function split(text: string, marker: string, file: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`${file} has no line "${marker}": the generated part has no place.`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const [file, text] of Object.entries(await currentPages())) writeFileSync(join(ROOT, file), text);
