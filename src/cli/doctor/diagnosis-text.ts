import pc from 'picocolors';
import { counted } from '../terminal/format.js';
import type { Check } from './check.js';
import type { Diagnosis } from './diagnose.js';

const ABOUT_WIDTH = 9;

/** The diagnosis for a person. */
export function diagnosisText({ ok, checks }: Diagnosis): string {
  const bad = checks.filter((check) => !check.ok).length;
  return [
    ...checks.flatMap(checkLines),
    '',
    ok ? pc.green('All is well.') : pc.red(`${counted(bad, 'thing')} to see to.`),
  ].join('\n');
}

function checkLines({ about, what, ok, found, todo }: Check): string[] {
  return [
    `${ok ? pc.green('✓') : pc.red('✗')} ${about.padEnd(ABOUT_WIDTH)}  ${what}: ${ok ? found : pc.red(found)}`,
    ...(todo === null ? [] : [`  ${' '.repeat(ABOUT_WIDTH)}  ${pc.bold('→')} ${todo}`]),
  ];
}
