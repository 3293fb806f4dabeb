#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import process from 'node:process';
import * as file from '@interposer/device-file';
import * as nbd from '@interposer/device-nbd';
import * as ram from '@interposer/device-ram';
import { main } from './main.ts';
import { importedPlugin } from './plugins/plugin.ts';

const here = import.meta.url;
const { version } = JSON.parse(readFileSync(new URL('../package.json', here), 'utf8')) as { version: string };

process.exitCode = await main(process.argv.slice(2), {
  plugins: [
    importedPlugin('@interposer/device-file', file, here),
    importedPlugin('@interposer/device-nbd', nbd, here),
    importedPlugin('@interposer/device-ram', ram, here),
  ],
  version,
  script: process.argv[1]!,
});
