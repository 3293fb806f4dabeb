// @ts-check
/** Runs shell scripts in a real Linux kernel; run.d.mts describes what is exported. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeInitramfs } from './initramfs.mjs';
import { getKernel, moduleFiles } from './kernel.mjs';
import { runMachine } from './machine.mjs';
import { HOST_ADDRESS, startRelay } from './relay.mjs';

export { hasKernel } from './kernel.mjs';

/** It takes a few seconds; this much where many other things go on. */
const BOOT_SECONDS = 120;

/** Of the machine itself. Disks and network come with the machine, whether they are used or not. */
const MODULES = ['virtio_pci', 'virtio_console', 'virtio_blk', 'virtio_net'];

/** @type {typeof import('./run.mjs').runInVm} */
export async function runInVm({ script, ...options }) {
  const [result] = await runScriptsInVm({ ...options, scripts: [script] });
  return /** @type {import('./run.mjs').ScriptResult} */ (result);
}

/** @type {typeof import('./run.mjs').runScriptsInVm} */
export async function runScriptsInVm(options) {
  const { programs = [], modules = [], disks = [], nbdSockets = [], timeout = 60 } = options;
  const { processors = 1, memory = 512 } = options;
  const kernel = getKernel();
  const folder = mkdtempSync(join(tmpdir(), 'kernel-vm-'));
  const relays = [];
  try {
    for (const socket of nbdSockets) relays.push(await startRelay(socket));
    const addresses = relays.map(({ port }, index) => [`NBD${index}`, `${HOST_ADDRESS} ${port}`]);
    const initramfs = join(folder, 'initramfs');
    writeInitramfs(initramfs, {
      programs: [...programs],
      modules: moduleFiles(kernel, [...MODULES, ...modules]),
      environment: { ...Object.fromEntries(addresses), DISKS: String(disks.length) },
      scripts: [...options.scripts],
      timeout,
    });
    const seconds = BOOT_SECONDS + timeout * options.scripts.length;
    const machine = {
      image: kernel.image,
      initramfs,
      disks: [...disks],
      network: relays.length > 0,
      processors,
      memory,
      folder,
      seconds,
    };
    return await runMachine(machine, options.scripts.length);
  } finally {
    for (const relay of relays) relay.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
