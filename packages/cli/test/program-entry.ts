import process from 'node:process';
import * as file from '@interposer/device-file';
import * as nbd from '@interposer/device-nbd';
import * as ram from '@interposer/device-ram';
import * as stats from '@interposer/filter-stats';
import * as throttle from '@interposer/filter-throttle';
import * as errorPackage from '@interposer/target-error';
import * as linear from '@interposer/target-linear';
import * as striped from '@interposer/target-striped';
import * as zero from '@interposer/target-zero';
import { importedPlugin, main } from '../src/index.ts';

// The command line with the whole family, as the bundle has it.
const modules = {
  'device-file': file,
  'device-nbd': nbd,
  'device-ram': ram,
  'filter-stats': stats,
  'filter-throttle': throttle,
  'target-error': errorPackage,
  'target-linear': linear,
  'target-striped': striped,
  'target-zero': zero,
};

process.exitCode = await main(process.argv.slice(2), {
  plugins: Object.entries(modules).map(([name, module]) =>
    importedPlugin(`@interposer/${name}`, module, import.meta.url),
  ),
  version: '1.2.3',
  script: process.argv[1]!,
});
