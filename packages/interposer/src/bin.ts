#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { main } from '@interposer/cli';
import { bundledPlugins } from './bundle.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await main(process.argv.slice(2), {
  plugins: bundledPlugins,
  version,
  script: process.argv[1]!,
});
