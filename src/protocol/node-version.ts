import { z } from 'zod';

/**
 * A node's semantic version in the two forms of the wire: one string, or an object of parts as existing nodes send it.
 */

const SEMVER = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?)$/;
const part = z.int().min(0).max(999_999_999);
/** One text, or the list of its identifiers as existing nodes have it: "rc.1" or ["rc", 1]. */
const label = z
  .union([z.string(), z.array(z.union([z.string(), z.int().min(0)])).transform((identifiers) => identifiers.join('.'))])
  .pipe(z.string().regex(/^[0-9A-Za-z.-]{0,64}$/))
  .nullish();
const versionObject = z.object({ major: part, minor: part, patch: part, prerelease: label, build: label });

/** "1.2.3" from a string or from an object of parts; "0.0.0" from nothing. */
export const nodeVersion = z
  .unknown()
  .optional()
  .describe('A semantic version, or an object of major, minor, patch, prerelease and build.')
  .transform((value, context): string => {
    if (value === undefined || value === null) return '0.0.0';
    if (typeof value === 'string') {
      const version = SEMVER.exec(value)?.[1];
      if (version !== undefined) return version;
    }
    const parts = versionObject.safeParse(value);
    if (parts.success) {
      const { major, minor, patch, prerelease, build } = parts.data;
      return `${major}.${minor}.${patch}${prerelease ? `-${prerelease}` : ''}${build ? `+${build}` : ''}`;
    }
    context.addIssue('a semantic version such as 1.2.3, or an object of major, minor and patch');
    return z.NEVER;
  });

/**
 * A semantic version as the object of parts that existing nodes send.
 *
 * @param version for example "1.2.3-rc.1"
 * @throws TypeError when it is no semantic version
 */
export function versionParts(version: string): Readonly<Record<string, unknown>> {
  const parts = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/.exec(version);
  if (parts === null)
    throw new TypeError(`node_version: expected a semantic version such as 1.2.3, got ${JSON.stringify(version)}`);
  const [, major, minor, patch, prerelease, build] = parts;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    prerelease: identifiers(prerelease),
    build: build?.split('.') ?? null,
  };
}

/** Existing nodes keep a prerelease as the list of its identifiers, numbers as numbers. */
function identifiers(prerelease: string | undefined): readonly (string | number)[] | null {
  return prerelease?.split('.').map((one) => (/^\d+$/.test(one) ? Number(one) : one)) ?? null;
}
