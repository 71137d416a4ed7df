import { expect, it } from 'vitest';
import { parseUrl } from '../../src/parse-url.js';
import { endpointFields } from '../../src/protocol/endpoints.js';

/** Node 20 and 22 compile URL.canParse after some thousand calls; then it refuses every letter between 128 and 255. */
const UNTIL_COMPILED = 20_000;
const URL_WITH_UMLAUT = 'http://münchen.example/ü';

it('a URL with letters beyond ASCII is one, however many were read before', () => {
  for (let call = 0; call < UNTIL_COMPILED; call += 1) parseUrl('http://10.0.0.1:8080/health');
  expect(parseUrl(URL_WITH_UMLAUT)?.host).toBe('xn--mnchen-3ya.example');
  expect(parseUrl('/ü', URL_WITH_UMLAUT)?.pathname).toBe('/%C3%BC');
});

it('a node with such an endpoint is understood, however many nodes came before', () => {
  const fields = { endpoints: { api: URL_WITH_UMLAUT }, health_endpoint: '/gesund-prüfen' };
  let refused = 0;
  for (let node = 0; node < UNTIL_COMPILED; node += 1) if (!endpointFields.safeParse(fields).success) refused += 1;
  expect(refused).toBe(0);
});

it('what is no URL is null', () => {
  for (const text of ['', '/a', 'http://', 'http://a:99999', 'http://%zz']) expect(parseUrl(text), text).toBeNull();
  expect(parseUrl('/a', 'no base')).toBeNull();
});
