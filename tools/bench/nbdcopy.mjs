// @ts-check
/** nbdcopy of the whole image: out of a server into nothing, or from the image into a server. */

import { lastLines, runTool } from './process.mjs';

const TIMEOUT_SECONDS = 120;

/**
 * @param {'copy-out' | 'copy-in'} direction
 * @param {{ uri: string, image: string }} where
 * @returns {string[]}
 */
export function nbdcopyArguments(direction, { uri, image }) {
  return direction === 'copy-out' ? [uri, 'null:'] : [image, uri];
}

/**
 * @param {string[]} args
 * @param {number} mebibytes how much is copied
 * @returns {Promise<import('./fio.mjs').Measurement>} MiB/s, the start of the program included
 */
export async function runNbdcopy(args, mebibytes) {
  const result = await runTool('nbdcopy', args, { timeoutSeconds: TIMEOUT_SECONDS });
  if (result.failure !== undefined)
    throw new Error(`nbdcopy: ${result.failure}; ${lastLines(result.stderr)}`);
  return { value: mebibytes / result.seconds, requests: undefined, p50us: undefined, p99us: undefined };
}
