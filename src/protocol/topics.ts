/** How an installation is named: the {env} and {namespace} of its topics. */
export interface Names {
  readonly env: string;
  readonly namespace: string;
}

/**
 * The environment, as its nodes in Consul, its groups and its servers are marked: another one's registrar leaves them
 * alone. Neither name holds a dot, so two environments never have one name.
 */
export function environmentName({ env, namespace }: Names): string {
  return [env, namespace].filter((part) => part !== '').join('.');
}

/**
 * Fills a topic of a contract, "{env}.{namespace}.onex.evt.node-introspection.v1".
 * An empty namespace drops its segment, as in the specification's own
 * "dev.onex.evt.node-introspection.v1".
 *
 * @param template topic as the contract has it
 * @param names env and namespace, from the configuration
 */
export function topicName(template: string, names: Names): string {
  return template
    .replace('{env}', names.env)
    .replace('{namespace}', names.namespace)
    .split('.')
    .filter((segment) => segment !== '')
    .join('.');
}
