// @ts-check
/** @typedef {import('./scenarios.mjs').FioJob} FioJob */

/**
 * @param {FioJob['rw']} rw
 * @param {string} blockSize
 * @param {number} depth
 * @returns {FioJob}
 */
export const job = (rw, blockSize, depth, connections = 1) => ({ rw, blockSize, depth, connections });
