import { build } from 'vite';

/** What is tested is the built page, as it ships. */
export default async function buildPage(): Promise<void> {
  await build({ configFile: 'src/server/page/vite.config.ts', logLevel: 'error' });
}
