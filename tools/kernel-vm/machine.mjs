// @ts-check
/** The machine: QEMU without acceleration, so that it runs anywhere, and only as long as it may. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameReader } from './frames.mjs';
import { findProgram } from './host.mjs';

/** How much of what the guest's kernel and init said last goes into an error message. */
const CONSOLE_TAIL = 3000;

/** @typedef {import('./run.mjs').ScriptResult} ScriptResult */

/**
 * @typedef {object} Machine
 * @property {string} image of the kernel
 * @property {string} initramfs
 * @property {import('./run.mjs').Disk[]} disks
 * @property {boolean} network whether the guest has one
 * @property {number} processors
 * @property {number} memory MiB
 * @property {string} folder for the console's text
 * @property {number} seconds after which it is killed, whatever it does
 */

/**
 * Boots the machine, and kills it as soon as it has reported so many results.
 *
 * @param {Machine} machine
 * @param {number} count
 * @returns {Promise<ScriptResult[]>}
 * @throws {Error} with the end of the console's text when it ends, or its time does, before that
 */
export async function runMachine(machine, count) {
  const console = join(machine.folder, 'console');
  // A process of its own limits the time: it works even when this one is killed. Both are one process group.
  const limit = ['--signal=KILL', String(machine.seconds), findProgram('qemu-system-x86_64')];
  const child = spawn(findProgram('timeout'), [...limit, ...argumentsOf(machine, console)], {
    // Without an open standard input the port counts as not connected, and the guest would wait for ever.
    stdio: 'pipe',
    detached: true,
  });
  const kill = () => void killGroup(child.pid);
  process.on('exit', kill);
  try {
    return await collect(child, machine.seconds, count, kill);
  } catch (error) {
    const said = `${error instanceof Error ? error.message : String(error)}\n${tail(console)}`.trim();
    throw new Error(said, { cause: error });
  } finally {
    process.off('exit', kill);
  }
}

/**
 * @param {import('node:child_process').ChildProcessWithoutNullStreams} child
 * @param {number} seconds
 * @param {number} count
 * @param {() => void} kill
 * @returns {Promise<ScriptResult[]>} once the process has gone
 */
function collect(child, seconds, count, kill) {
  /** @type {ScriptResult[]} */
  const results = [];
  const frames = new FrameReader();
  let complaints = '';
  child.stdout.on('data', (piece) => {
    results.push(...frames.push(piece));
    if (results.length >= count) kill();
  });
  child.stderr.on('data', (piece) => (complaints += piece));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (results.length >= count) return resolve(results);
      const how = signal === null ? `ended with ${code}` : `was killed (it may run for ${seconds} s)`;
      const done = `${results.length} of ${count} scripts`;
      reject(new Error(`the machine ${how} after ${done}: ${complaints}`));
    });
  });
}

/** @param {Machine} machine @param {string} console path of a file @returns {string[]} */
function argumentsOf({ image, initramfs, disks, network, processors, memory }, console) {
  const words = ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'];
  // One thread for all processors: with a thread for each, QEMU sometimes trips over code that the guest patches.
  words.push('-machine', 'pc', '-accel', 'tcg,thread=single', '-cpu', 'max');
  words.push('-smp', String(processors), '-m', String(memory));
  // A panic is a reboot at once, which -no-reboot makes the end. Nobody spies on an emulated processor.
  const append = 'console=ttyS0 quiet panic=-1 mitigations=off';
  words.push('-kernel', image, '-initrd', initramfs, '-append', append);
  words.push('-serial', `file:${console}`);
  words.push('-device', 'virtio-serial-pci', '-chardev', 'stdio,id=frames,signal=off');
  words.push('-device', 'virtserialport,chardev=frames');
  if (network) words.push('-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile=');
  for (const { path, readOnly = false } of disks) {
    // A comma ends a value; two are one in it.
    const file = path.replaceAll(',', ',,');
    words.push(
      '-drive',
      `if=virtio,format=raw,discard=unmap,readonly=${readOnly ? 'on' : 'off'},file=${file}`,
    );
  }
  return words;
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** @param {string} console path of a file @returns {string} the end of it */
function tail(console) {
  try {
    return readFileSync(console, 'latin1').slice(-CONSOLE_TAIL);
  } catch {
    return ''; // QEMU has not come so far.
  }
}
