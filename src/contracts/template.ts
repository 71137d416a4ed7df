import type { Template } from './compiled.js';

type Values = Readonly<Record<string, unknown>>;
const WHOLE = /^\{([a-z_]+)\}$/;

/**
 * Fills a contract's template. A string that is nothing but "{name}" becomes
 * that value with its type; "{name}" within a longer string becomes text; a
 * list inside a list is spliced in, so that tags can be built from capabilities.
 * Pure, and without imports: workflows use this file too.
 */
export function fill(template: Template, values: Values): unknown {
  if (typeof template === 'string') {
    const whole = WHOLE.exec(template)?.[1];
    if (whole !== undefined) return values[whole] ?? null;
    return template.replace(/\{([a-z_]+)\}/g, (_, name: string) => text(values[name]));
  }
  if (Array.isArray(template)) {
    return Object.freeze(
      (template as readonly Template[]).flatMap((item) => {
        const value = fill(item, values);
        return Array.isArray(value) ? (value as unknown[]) : [value];
      }),
    );
  }
  if (typeof template === 'object' && template !== null)
    return fillMap(template as { readonly [key: string]: Template }, values);
  return template;
}

/** Fills each value of a map. What is filled in is not copied; what is made here is frozen. */
export function fillMap(
  template: { readonly [key: string]: Template },
  values: Values,
): Readonly<Record<string, unknown>> {
  return Object.freeze(Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value, values)])));
}

/** A value as it reads inside a sentence. */
export function text(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Reasons and other free texts are at most this long on the wire (see src/protocol). */
const LONGEST_TEXT = 1024;

/**
 * A text that fits where it goes, with "…" where something was cut off.
 *
 * @param longest in UTF-16 units; by default what fits where a text is published
 */
export function cut(text: string, longest = LONGEST_TEXT): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
