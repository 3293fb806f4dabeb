import { existsSync, readdirSync } from 'node:fs';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// One project per directory with a test folder. A glob such as 'packages/*' would not inherit this configuration.
const directories = [...readdirSync('packages').map((name) => `packages/${name}`), 'tools'];
const projects = directories.filter((directory) => existsSync(`${directory}/test`));

export default defineConfig({
  // Tests run on the sources: no build before a test.
  ssr: { resolve: { conditions: ['@interposer/source', ...defaultServerConditions] } },
  test: {
    environment: 'node',
    // Vitest leaves one processor free, which on two is half of them.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A run that finds no test must not pass where it counts.
    passWithNoTests: !process.env.CI,
    coverage: {
      provider: 'v8',
      reporter: ['text', 'lcovonly'],
      reportsDirectory: '.cache/coverage',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['packages/*/src/bin.ts', 'packages/*/src/demo.ts'],
    },
    projects: projects.map((root) => ({
      extends: true as const,
      root,
      test: { name: root.replace(/^packages\//, ''), include: ['test/**/*.test.ts'] },
    })),
  },
});
