import { readFileSync } from 'node:fs';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

/** The arrows between folders: each row says what a folder or file may import besides itself. */
const arrows = JSON.parse(readFileSync(new URL('tools/arrows.json', import.meta.url), 'utf8'));
const ROOTS = ['src', 'workflows', 'activities', 'test', 'tools'];
const within = (path, folder) => path === folder || path.startsWith(`${folder}/`);

/** The same, as the rule wants it: for each row, what it must not import of each root. */
const zones = Object.entries(arrows).flatMap(([area, allowed]) =>
  ROOTS.map((root) => ({
    target: `./${area}`,
    from: `./${root}`,
    except: [area, ...allowed].filter((path) => within(path, root)).map((path) => `.${path.slice(root.length)}`),
    message: `${area} may import only ${allowed.join(', ') || 'itself'}: see tools/arrows.json and docs/architecture.md.`,
  })),
);

/** What deterministic code may not even mention. */
const deterministic = [
  {
    regex: '^node:|^(zod|yaml|pg|kafkajs|consul|pino)$',
    message: 'Workflows and pure code do no I/O: move this into an activity.',
  },
];
/** kafkajs is unmaintained: src/kafka is the one place where it can be replaced. */
const port = [
  { regex: '^kafkajs', message: 'Only src/kafka imports kafkajs: give its port what is missing.' },
  {
    regex: 'kafka/client\\.js$',
    importNames: ['CLIENT'],
    message: 'Only src/kafka reaches through its port.',
  },
];
/** Handlers, reducer and machine are pure: they see no clock, no randomness and no Temporal. */
const pure = [
  ...deterministic,
  {
    regex: '^@temporalio/',
    message: 'core/ is pure: state, message, time and contract in, data out. The workflow acts.',
  },
];
const importing = (patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      '.registrar/',
      'coverage/',
      'reports/',
      'docs/api/',
      'eslint.config.js',
      // CommonJS, for Temporal's worker: no file of a TypeScript project.
      'src/payloads/failure-converter.cjs',
      'test/chaos/world/reroute.cjs',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always'],
      'max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}', 'activities/**/*.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'URL', property: 'canParse', message: 'It is wrong once it is compiled: see src/parse-url.ts.' },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['mock', 'doMock', 'resetModules'].map((property) => ({
          object: 'vi',
          property,
          message: 'The files of a process share their modules: one that another file has loaded is not replaced.',
        })),
        { object: 'fc', property: 'assert', message: 'assertProperty of test/run/ tries a fresh seed, too.' },
      ],
    },
  },
  {
    // A test's title is one text, and recorded messages are compared as they are.
    files: ['test/**/*.ts'],
    rules: {
      'max-len': [
        'error',
        { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true, ignoreStrings: true, ignoreTemplateLiterals: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'activities/**/*.ts'],
    ignores: ['src/kafka/**'],
    rules: importing(port),
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      ...importing(deterministic),
      'no-restricted-syntax': [
        'error',
        ...[':not([kind=const])', ' > VariableDeclarator > NewExpression[callee.name=/^(Weak)?(Map|Set)$/]'].map(
          (kept) => ({
            selector: `:matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration${kept}`,
            message: 'All workflows of a worker share this module: what changes belongs to one of them.',
          }),
        ),
      ],
    },
  },
  {
    files: ['workflows/core/**/*.ts'],
    rules: {
      ...importing(pure),
      'no-restricted-globals': ['error', 'process', 'setTimeout', 'setInterval', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
      ],
    },
  },
);
