/*
 * A process that opens an image and keeps it: `holder.js PATH read|write`. Says `open`, or the code and text of the failure,
 * and ends with its standard input.
 */
import { createEngine, isInterposerError } from '@interposer/core';
import { file } from '../src/index.ts';

const [path = '', mode = ''] = process.argv.slice(2);
const engine = createEngine({ types: [file] });
try {
  await engine.open(path, { mode: mode === 'read' ? 'read' : 'write' });
  process.stdout.write('open\n');
} catch (error) {
  process.stdout.write(isInterposerError(error) ? `${error.code} ${error.message}\n` : `${String(error)}\n`);
}
process.stdin.on('end', () => process.exit()).resume();
