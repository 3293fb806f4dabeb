import process from 'node:process';
import { main } from '@interposer/cli';
import { bundledPlugins } from '../../src/bundle.ts';

// The bundle's program, without the package.json that it reads its version from.
process.exitCode = await main(process.argv.slice(2), {
  plugins: bundledPlugins,
  version: '1.2.3',
  script: process.argv[1]!,
});
