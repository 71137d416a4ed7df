/** Fields of the existing nodes' capability model that are no flags; a flag of that name would not be understood. */
const NO_FLAGS = new Set(['batch_size', 'max_batch', 'supported_types', 'config', 'mcp']);

/** Capability names as the object of flags that existing nodes read; their model takes any further flag. */
export function flagsOf(capabilities: readonly string[]): Readonly<Record<string, true>> {
  return Object.fromEntries(
    capabilities.map((name) => [NO_FLAGS.has(name) ? `capability.${name}` : name, true as const]),
  );
}
