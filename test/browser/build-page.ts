/** What is tested is the built page, as it ships. */
export { buildPage as default } from '../../src/cli/ui/page-build.js';
