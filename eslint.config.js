import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Who may import whom. `packages` are names without the scope; everything else of the workspace is refused,
// and so is a path into another package's files.
function mayImport(packages, why) {
  const allowed = packages.map((name) => `${name}(?:/|$)`).join('|');
  const patterns = [
    { regex: `^@interposer/${allowed ? `(?!${allowed})` : ''}`, message: why },
    { regex: '^interposer$', message: why },
    { regex: '^(?:\\.\\./)+(?:packages/|[a-z-]+/(?:src|dist)/)', message: 'Import the package by its name.' },
  ];
  return { 'no-restricted-imports': ['error', { patterns }] };
}

const plugin = 'packages/{target,filter,device,frontend}-*';
const protocols = ['nbd-protocol', 'nbd-tls'];
const algorithms = ['block-cipher', 'format-verity', 'volatile-cache', 'write-log'];
const shared = ['core', ...protocols, ...algorithms];
const forTests = [...shared, 'conformance', 'device-ram'];

export default defineConfig(
  globalIgnores(['**/dist/', '**/.cache/', '**/.nx/', '**/coverage/', 'packages/conformance/vectors/']),
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        (
          'AbortController AbortSignal Buffer URL clearInterval clearTimeout console performance process ' +
          'setImmediate setInterval setTimeout structuredClone queueMicrotask TextDecoder TextEncoder fetch'
        )
          .split(' ')
          .map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // On the data path an index is known to be in range; a check there would cost and could not be tested.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      eqeqeq: 'error',
      // Declarations are emitted file by file, which wants the type of an exported class's property written down.
      '@typescript-eslint/no-inferrable-types': 'off',
      // An async method of an interface turns what it throws into a rejection, whether it awaits or not.
      '@typescript-eslint/require-await': 'off',
      'no-restricted-syntax': [
        'error',
        {
          // One hidden class for every bio: a plugin keeps its state in the scratch of its frame.
          selector: 'TSModuleDeclaration[id.value=/^(@interposer\\u002F.*|interposer|\\..*)$/]',
          message: 'Do not augment the types of Interposer; a bio takes no further properties.',
        },
      ],
    },
  },
  {
    files: ['packages/{core,nbd-protocol,nbd-tls}/src/**/*.ts'],
    rules: mayImport([], 'This package imports no other.'),
  },
  {
    files: ['packages/core/test/**/*.ts'],
    rules: mayImport(['core'], 'The tests of core import core only.'),
  },
  {
    files: ['packages/conformance/**/*.ts'],
    rules: mayImport(['core', 'conformance'], 'The conformance kit knows the contract only, which is core.'),
  },
  {
    files: ['packages/nbd-conformance/src/**/*.ts'],
    rules: mayImport(protocols, 'The kit for NBD servers knows the protocol only.'),
  },
  {
    files: [`packages/{${algorithms.join(',')}}/src/**/*.ts`],
    rules: mayImport(['core'], 'A shared algorithm stands on core only.'),
  },
  {
    files: ['packages/{live-snapshot,stack-file}/src/**/*.ts'],
    rules: mayImport(['core'], 'What is composed of devices knows core only.'),
  },
  {
    files: ['packages/format-luks/src/**/*.ts'],
    rules: mayImport(['core', 'block-cipher'], 'A format knows core and the ciphers.'),
  },
  {
    files: ['packages/crash-test/src/**/*.ts'],
    rules: mayImport(['core', 'write-log'], 'The search for crash states knows core and logs of writes.'),
  },
  { files: [`${plugin}/src/**/*.ts`], rules: mayImport(shared, 'A plugin imports core, never a sibling.') },
  {
    files: [`${plugin}/test/**/*.ts`],
    rules: mayImport(forTests, 'The test of a plugin imports core, conformance and device-ram only.'),
  },
  {
    files: ['packages/*/test/**/*.ts', 'tools/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
