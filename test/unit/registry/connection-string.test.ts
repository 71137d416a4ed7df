import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRegistry } from '../../../src/cli/doctor/registry-checks.js';
import { loadConfig } from '../../../src/config/index.js';
import { parseConnectionString } from '../../../src/registry/connection-string.js';
import { sslTries } from '../../../src/registry/ssl-modes.js';
import { assertProperty } from '../../run/properties.js';

const local = { hosts: [{ host: 'localhost', port: 5432 }], parameters: {} };

describe('a connection string', () => {
  it.each([
    ['postgresql://', local],
    ['postgres:///db', { ...local, database: 'db' }],
    ['postgresql://u@:6000', { ...local, user: 'u', hosts: [{ host: 'localhost', port: 6000 }] }],
    [
      'postgresql://u:p%40%2F@a:1,[::1],%2Ftmp:3/db?sslmode=require&target_session_attrs=read-write',
      {
        user: 'u',
        password: 'p@/',
        database: 'db',
        hosts: [
          { host: 'a', port: 1 },
          { host: '::1', port: 5432 },
          { host: '/tmp', port: 3 },
        ],
        parameters: { sslmode: 'require', target_session_attrs: 'read-write' },
      },
    ],
    [
      'postgresql:///?host=a,b&port=1&user=u&password=p&dbname=d',
      {
        user: 'u',
        password: 'p',
        database: 'd',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 1 },
        ],
        parameters: {},
      },
    ],
  ])('%s names what libpq finds in it', (text, target) => {
    expect(parseConnectionString(text)).toEqual(target);
  });

  it.each([
    ['mysql://db', 'does not begin so'],
    ['postgresql://u:p/w@db', '%2F'],
    ['postgresql://u:p?w@db', '%3F'],
    ['postgresql://u:100%@db', 'is %25'],
    ['postgresql://db:port', 'a port is no number'],
    ['postgresql://db:65536', 'a port is no number'],
    ['postgresql://db?sslmode', '"=" is missing'],
  ])('%s is refused with what is wrong', (text, why) => {
    expect(() => parseConnectionString(text)).toThrow(why);
  });
});

describe('an sslmode', () => {
  const ca = import.meta.filename;
  const tls = (parameters: Record<string, string>) =>
    sslTries(parameters, '/no/home').map((one) =>
      one === false ? false : { verifies: one.rejectUnauthorized, name: one.checkServerIdentity === undefined },
    );
  const unverified = { verifies: false, name: false };
  const byCa = { verifies: true, name: false };
  const full = { verifies: true, name: true };

  it.each([
    [{}, [unverified, false]],
    [{ sslmode: 'disable' }, [false]],
    [{ sslmode: 'allow' }, [false, unverified]],
    [{ sslmode: 'prefer' }, [unverified, false]],
    [{ sslmode: 'prefer', sslrootcert: ca }, [byCa, false]],
    [{ sslmode: 'require' }, [unverified]],
    [{ sslmode: 'require', sslrootcert: ca }, [byCa]],
    [{ sslmode: 'verify-ca', sslrootcert: ca }, [byCa]],
    [{ sslmode: 'verify-full', sslrootcert: ca }, [full]],
    [{ sslrootcert: 'system' }, [full]],
  ])('of %o is tried as libpq does', (parameters, tries) => {
    expect(tls(parameters)).toEqual(tries);
  });

  it.each([
    [{ sslmode: 'no-verify' }, "sslmode 'no-verify' is none of"],
    [{ sslmode: 'verify-ca' }, 'needs a root certificate'],
    [{ sslmode: 'require', sslrootcert: 'system' }, 'needs sslmode=verify-full'],
    [{ sslcert: '/not/there' }, "sslcert '/not/there' cannot be read"],
  ])('of %o is refused', (parameters, why) => {
    expect(() => sslTries(parameters, '/no/home')).toThrow(why);
  });
});

describe('a password, whatever characters it has,', () => {
  /** Two words that no message has by chance, with anything around and between them. */
  const passwords = fc
    .tuple(fc.string({ unit: 'binary' }), fc.string(), fc.string({ unit: 'grapheme' }))
    .map(([before, between, after]) => `${before}hunter2${between}swordfish${after}`);
  const environments = fc.oneof(
    passwords.map((password) => ({ DATABASE_URL: `postgresql://u:${password}@127.0.0.1:1/db` })),
    passwords.map((password) => ({ DATABASE_URL: `postgresql://u:${encodeURIComponent(password)}@127.0.0.1:1/db` })),
    passwords.map((password) => ({
      DATABASE_URL: `postgresql://127.0.0.1:1/db?user=u&password=${encodeURIComponent(password)}`,
    })),
    passwords.map((PGPASSWORD) => ({ PGHOST: '127.0.0.1', PGPORT: '1', PGPASSWORD })),
  );

  it('is in no text of the configuration, of a failed connection and of the doctor', async () => {
    let connected = 0;
    await assertProperty(
      fc.asyncProperty(environments, async (env) => {
        const texts: string[] = [];
        try {
          const checks = await checkRegistry(loadConfig({ REGISTRAR_DATA_DIR: '/no/data', ...env }), null, {
            running: false,
          });
          expect(checks).toMatchObject([
            { ok: false, found: expect.stringMatching(/127\.0\.0\.1:1.*ECONNREFUSED/) as string },
          ]);
          connected += 1;
          texts.push(JSON.stringify(checks));
        } catch (error) {
          if ((error as Error).name !== 'ConfigError') throw error;
          texts.push(String((error as Error).stack));
        }
        expect(texts.join('\n')).not.toMatch(/hunter2|swordfish/);
      }),
    );
    // Most are no reason to refuse the URL.
    expect(connected).toBeGreaterThan(0);
  });
});
