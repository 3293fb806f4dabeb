import { defineConfig } from 'eslint/config';
import root from '../../../eslint.config.js';

// The templates are linted as all other code is. Their tests are for node:test, whose functions return promises that
// nobody has to wait for.
export default defineConfig(root, {
  files: ['*/test/**/*.ts'],
  rules: {
    '@typescript-eslint/no-floating-promises': [
      'error',
      { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['describe', 'it'] }] },
    ],
  },
});
