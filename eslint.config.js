import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

/** The arrows between folders: each row says what a folder must not import, and what of that it may. */
const arrows = [
  {
    target: './workflows',
    from: './src',
    except: ['./protocol', './contracts/compiled.ts', './contracts/vocabulary.ts'],
  },
  { target: './workflows', from: './activities', except: ['./api.ts'] },
  { target: './workflows/core', from: './workflows', except: ['./core'] },
  {
    target: './activities',
    from: './src',
    except: ['./protocol', './contracts', './registry', './kafka', './telemetry.ts'],
  },
  { target: './activities', from: './workflows' },
  { target: './src/protocol', from: './src', except: ['./protocol'] },
  { target: './src/contracts', from: './src', except: ['./contracts', './protocol'] },
  { target: './src/registry', from: './src', except: ['./registry', './protocol', './telemetry.ts'] },
  { target: './src/kafka', from: './src', except: ['./kafka', './protocol', './telemetry.ts'] },
  { target: './src/node', from: './src', except: ['./node', './protocol', './kafka', './telemetry.ts'] },
  {
    target: './src/bridge',
    from: './src',
    except: ['./bridge', './protocol', './kafka', './registry', './contracts', './config.ts', './telemetry.ts'],
  },
  { target: './src/bridge', from: './workflows', except: ['./messages.ts'] },
  { target: './src/stack', from: './src', except: ['./stack', './config.ts', './telemetry.ts'] },
  ...['protocol', 'registry', 'kafka', 'node', 'contracts'].flatMap((dir) => [
    { target: `./src/${dir}`, from: './workflows' },
    { target: `./src/${dir}`, from: './activities', except: ['./api.ts'] },
  ]),
];

/** What deterministic code may not even mention. */
const deterministic = [
  {
    regex: '^node:|^(zod|yaml|pg|kafkajs|consul|pino)$',
    message: 'Workflows and pure code do no I/O: move this into an activity.',
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
  { ignores: ['dist/', 'node_modules/', '.registrar/', 'coverage/', 'reports/', 'docs/api/', 'eslint.config.js'] },
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
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always'],
    },
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
