import { temporalCli } from './temporal-cli.js';

/** A namespace of its own on the shared Temporal: a namespace belongs to one installation. @returns its name */
export async function openNamespace(name: string): Promise<string> {
  await temporalCli(['operator', 'namespace', 'create', '--namespace', name, '--retention', '24h']);
  return name;
}
