import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/index.js';
import { linksOf, runsLink, serviceLink, workflowLink } from '../../../../src/cli/terminal/links.js';

test('a node has a page of Temporal, in its namespace, a list of its runs there, and its type a page of Consul', () => {
  const config = loadConfig({
    TEMPORAL_ADDRESS: 'temporal:7233',
    TEMPORAL_NAMESPACE: 'orders eu',
    CONSUL_HTTP_ADDR: 'http://consul:8500',
  });
  const links = linksOf(config, 'https://temporal.example/');
  const there = 'https://temporal.example/namespaces/orders%20eu/workflows';
  expect(workflowLink(links, 'mailer:1')).toBe(`${there}/registration%2Fmailer%3A1`);
  expect(runsLink(links, 'mailer:1')).toBe(`${there}?query=NodeId%3D%22mailer%3A1%22`);
  expect(serviceLink({ ...links, services: 'http://consul:8500/ui/dc1/services' }, 'effect')).toBe(
    'http://consul:8500/ui/dc1/services/onex-effect/instances',
  );
  expect(serviceLink(links, 'effect'), 'while its datacenter is not known').toBe('http://consul:8500/ui');
});

test('there is no page of Temporal whose address is not known', () => {
  const links = { temporal: null, consul: null, services: null };
  expect([workflowLink(links, 'a'), runsLink(links, 'a'), serviceLink(links, 'effect')]).toEqual([null, null, null]);
});
