import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

/** The arrows between folders (DESIGN, "The house"): each row says what a folder must not import. */
const arrows = [
  { target: './workflows', from: ['./src', './activities'], except: ['./core', './protocol'] },
  { target: './activities', from: ['./src/cli', './src/bridge', './src/stack', './src/node', './workflows'] },
  { target: './src/core', from: ['./src', './activities', './workflows'], except: ['./core', './protocol'] },
  { target: './src/protocol', from: ['./src', './activities', './workflows'], except: ['./protocol'] },
  { target: './src/registry', from: ['./src/cli', './src/bridge', './src/stack', './src/node', './activities', './workflows'] },
  { target: './src/node', from: ['./src/cli', './src/bridge', './src/stack', './src/registry', './activities', './workflows'] },
  { target: './src/bridge', from: ['./src/cli', './src/stack', './src/node', './activities'] },
  { target: './src/stack', from: ['./src/cli', './src/bridge', './src/node', './activities', './workflows'] },
].flatMap(({ target, from, except }) => from.map((dir) => ({ target, from: dir, ...(except && dir === './src' ? { except } : {}) })));

/** What deterministic code may not even mention. */
const impure = {
  'no-restricted-imports': [
    'error',
    { patterns: [{ regex: '^node:|^(zod|yaml|pg|kafkajs|consul|pino)$', message: 'Workflows and pure code do no I/O: move this into an activity.' }] },
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.registrar/', 'eslint.config.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: arrows }],
      'import-x/no-cycle': ['error', { maxDepth: 8 }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always'],
    },
  },
  { files: ['workflows/**/*.ts', 'src/core/**/*.ts'], rules: impure },
);
