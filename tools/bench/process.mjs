// @ts-check
/** Child processes: run a tool to its end, and leave nothing running whatever happens. */

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/**
 * @typedef {object} ToolResult
 * @property {string} stdout
 * @property {string} stderr
 * @property {number} seconds from spawn to exit
 * @property {string | undefined} failure how it failed, in words; undefined = exit code 0
 */

/** @type {Set<ChildProcess>} */
const alive = new Set();

/** How much of a server's or a tool's stderr is kept for an error message. */
const KEPT_STDERR = 4000;

/** Kills every child that still runs. Installed once, before the first child is started. */
export function killChildrenOnExit() {
  process.on('exit', () => {
    for (const child of alive) child.kill('SIGKILL');
  });
  for (const [signal, number] of /** @type {const} */ ([
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ])) {
    process.on(signal, () => process.exit(128 + number));
  }
}

/**
 * Starts a program that `killChildrenOnExit` will look after.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, keepStdout?: boolean }} [options]
 */
export function start(program, args, { cwd, keepStdout = false } = {}) {
  const child = spawn(program, args, { cwd, stdio: ['ignore', keepStdout ? 'pipe' : 'ignore', 'pipe'] });
  alive.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    output.stderr = (output.stderr + text).slice(-KEPT_STDERR);
  });
  /** @type {Promise<string | undefined>} resolves with the failure in words */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      alive.delete(child);
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      alive.delete(child);
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
  return { child, output, ended };
}

/**
 * Runs a program to its end. A bad exit is a value, not an exception: the caller knows what it means.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ timeoutSeconds?: number, cwd?: string }} [options]
 * @returns {Promise<ToolResult>}
 */
export async function runTool(program, args, { timeoutSeconds = 60, cwd } = {}) {
  const started = performance.now();
  const { child, output, ended } = start(program, args, { cwd, keepStdout: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutSeconds * 1000);
  const failure = await ended;
  clearTimeout(timer);
  return {
    ...output,
    seconds: (performance.now() - started) / 1000,
    failure: late ? `no end after ${timeoutSeconds} s` : failure,
  };
}

/**
 * @param {string} program
 * @returns {boolean} whether it is on the PATH
 */
export function isInstalled(program) {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** @param {string} text @returns {string} its last lines that say something, on one line */
export function lastLines(text, count = 2) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-count)
    .join(' | ');
}
