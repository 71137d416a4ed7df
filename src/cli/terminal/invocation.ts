/**
 * How the person called us, so that a command in a message can be typed as it
 * stands: from a clone by npm, else by the name of the installed program.
 */
export function commandName(env: NodeJS.ProcessEnv = process.env): string {
  return env.npm_lifecycle_event === 'demo' || env.npm_lifecycle_event === 'registrar'
    ? 'npm run registrar --'
    : 'registrar';
}

/** A command as it can be typed here, e.g. "npm run registrar -- ack node-1". */
export function command(line: string): string {
  return `${commandName()} ${line}`;
}
