/**
 * Fills a topic of a contract, "{env}.{namespace}.onex.evt.node-introspection.v1".
 * An empty namespace drops its segment, as in the specification's own
 * "dev.onex.evt.node-introspection.v1".
 *
 * @param template topic as the contract has it
 * @param names env and namespace, from the configuration
 */
export function topicName(template: string, names: { readonly env: string; readonly namespace: string }): string {
  return template
    .replace('{env}', names.env)
    .replace('{namespace}', names.namespace)
    .split('.')
    .filter((segment) => segment !== '')
    .join('.');
}
