import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { type Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasKernel, runScriptsInVm, type ScriptResult } from '../../../tools/kernel-vm/run.mjs';
import { peer } from '../../../tools/peers.ts';
import { createInterposer } from '../src/index.ts';
import { program, World } from './world.ts';

// The NBD client of a Linux kernel on our exports. The kernel runs in a virtual machine: no superuser, no module here.
const MIB = 2 ** 20;

/** The kernel is a peer too, though no program. */
function kernel(): boolean {
  if (hasKernel()) return true;
  const message = 'no kernel for a virtual machine (node tools/kernel-vm/index.mjs setup)';
  if (process.env.INTERPOSER_REQUIRE_PEERS === '1') throw new Error(message);
  process.stderr.write(`tests skipped, ${message}\n`);
  return false;
}

const FIO =
  'fio --name=verify --rw=randwrite --bsrange=4k-64k --ioengine=libaio --iodepth=16 --direct=1 --verify=crc32c ' +
  '--verify_fatal=1 --verify_state_save=0 --minimal';

const scripts = {
  fileSystem: `
    set -e
    nbd-client -N disk $NBD0 /dev/nbd0
    for limit in write_cache fua discard_max_bytes; do
      echo "$limit: $(cat /sys/block/nbd0/queue/$limit)"
    done
    mkfs.ext4 -q /dev/nbd0
    mount -t ext4 -o discard /dev/nbd0 /mnt
    ${FIO} --directory=/mnt --size=4M --fsync=32 --end_fsync=1
    rm /mnt/verify*
    dd if=/dev/urandom of=/mnt/kept bs=64k count=64 conv=fsync
    echo "kept: $(sha256sum </mnt/kept)"
    fstrim /mnt
    umount /mnt
    e2fsck -f -n /dev/nbd0
    nbd-client -d /dev/nbd0`,
  // The kernel gives each of its processors one of the connections.
  twoConnections: `
    set -e
    nbd-client -N raw -C 2 $NBD0 /dev/nbd1
    echo "connections: $(netstat -t -n | grep -c ESTABLISHED)"
    echo "processors: $(cat /sys/block/nbd1/mq/*/cpu_list | tr '\\n' ' ')"
    ${FIO} --filename=/dev/nbd1 --size=2M --offset=4M --numjobs=2 --offset_increment=2M --cpus_allowed=0-1 --cpus_allowed_policy=split
    taskset 1 dd if=/dev/urandom of=/dev/nbd1 bs=64k count=32 conv=fsync
    sync
    echo 3 >/proc/sys/vm/drop_caches
    taskset 2 sha256sum </dev/nbd1
    nbd-client -d /dev/nbd1`,
  discard: `
    set -e
    nbd-client -N holes $NBD0 /dev/nbd2
    blkdiscard -o 1048576 -l 4194304 /dev/nbd2
    dd if=/dev/nbd2 bs=1M skip=1 count=4 iflag=direct | tr -d '\\0' | wc -c
    sha256sum </dev/nbd2
    nbd-client -d /dev/nbd2`,
  // The kernel goes by what the server says of the export, also when it is told otherwise.
  readOnly: `
    refused() {
      if "$@"; then
        echo "not refused: $*"
        exit 1
      fi
    }
    nbd-client -N sealed $NBD0 /dev/nbd3 || exit
    echo "read-only: $(blockdev --getro /dev/nbd3)"
    refused dd if=/dev/zero of=/dev/nbd3 bs=4k count=1
    blockdev --setrw /dev/nbd3
    refused dd if=/dev/zero of=/dev/nbd3 bs=4k count=1 oflag=direct
    refused blkdiscard /dev/nbd3
    sha256sum </dev/nbd3
    nbd-client -d /dev/nbd3`,
  detached: `
    for device in 0 1 2 3; do
      nbd-client -c /dev/nbd$device && echo "still attached: $device"
    done
    netstat -t -n | grep -c ESTABLISHED
    nbd-client -l $NBD0`,
};

type Name = keyof typeof scripts;

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

const programs = ['nbd-client', 'mkfs.ext4', 'e2fsck', 'fio'] as const;

describe.skipIf(!peer('qemu-system-x86_64', 'busybox', 'debugfs', ...programs) || !kernel())(
  'the NBD client of a kernel',
  () => {
    let world: World;
    const engine = createInterposer();
    const problems: string[] = [];
    const server = new NbdServer({
      onEvent: ({ kind, message }) => {
        if (kind !== 'opened' && kind !== 'closed') problems.push(`${kind}: ${message}`);
      },
    });
    const ports: Port[] = [];
    const sealed = randomBytes(MIB);
    let results: readonly ScriptResult[] = [];
    /** While the kernel had the disk attached. */
    let edits = 0;

    const image = (name: string): string => world.path(`${name}.img`);

    async function serve(name: string, bytes: number, data: Uint8Array | string, readOnly = false) {
      const table = `0 ${String(bytes / 512)} linear ${world.image(`${name}.img`, bytes, data)} 0`;
      await engine.create(name, { table });
      const port = await engine.open(name);
      ports.push(port);
      server.addExport({ name, port, readOnly });
    }

    /** Slides a filter over the disk and takes it out again, all the time, whether it is attached and mounted or not. */
    async function editWhile(running: Promise<unknown>): Promise<void> {
      const ended = new AbortController();
      void running.finally(() => ended.abort()).catch(() => undefined);
      while (!ended.signal.aborted) {
        await engine.attachFilter('disk', 'stats');
        await engine.detachFilter('disk', 'stats');
        if (server.exports.some(({ name, connections }) => name === 'disk' && connections > 0)) edits++;
        await setTimeout(20);
      }
    }

    beforeAll(async () => {
      world = new World();
      // Small, since the machine is emulated.
      await serve('disk', 64 * MIB, '');
      await serve('raw', 8 * MIB, '');
      await serve('holes', 8 * MIB, randomBytes(8 * MIB));
      await serve('sealed', MIB, sealed, true);
      await server.listen({ path: world.path('kernel.sock') });
      const running = runScriptsInVm({
        programs,
        modules: ['nbd', 'ext4'],
        nbdSockets: [world.path('kernel.sock')],
        processors: 2,
        scripts: Object.values(scripts),
      });
      [results] = await Promise.all([running, editWhile(running)]);
    }, 300_000);

    afterAll(async () => {
      await server.close();
      for (const port of ports) port.close();
      await engine.close();
      await world.end();
    });

    /** What a script printed; all that it said is the error if it failed. */
    function printed(name: Name): string {
      const { status, stdout, stderr } = results[Object.keys(scripts).indexOf(name)]!;
      if (status !== 0) throw new Error(`${name} ended with ${String(status)}:\n${stdout}${stderr}`);
      return stdout;
    }

    it('makes a file system, works in it, and finds it whole, while filters come and go', async () => {
      const said = printed('fileSystem');
      expect(said).toContain('write_cache: write back');
      expect(said).toContain('fua: 1');
      expect(said).not.toContain('discard_max_bytes: 0');

      expect(edits).toBeGreaterThan(0);

      await program('e2fsck', '-f', '-n', image('disk'));
      const kept = world.path('kept');
      await program('debugfs', '-R', `dump /kept ${kept}`, image('disk'));
      expect(said).toContain(`kept: ${digest(readFileSync(kept))}`);
    });

    it('writes over two connections, and reads over each what the other wrote', () => {
      const said = printed('twoConnections');
      expect(said).toContain('connections: 2');
      expect(said).toContain('processors: 0 1');
      expect(said).toContain(digest(readFileSync(image('raw'))));
    });

    it('discards, which frees the blocks of the image', () => {
      const said = printed('discard');
      const data = readFileSync(image('holes'));
      expect(data.subarray(MIB, 5 * MIB).every((byte) => byte === 0)).toBe(true);
      expect(said.split('\n')).toContain('0');
      expect(said).toContain(digest(data));
      expect(statSync(image('holes')).blocks * 512).toBeLessThan(5 * MIB);
    });

    it('reads a read-only export, and cannot change it', () => {
      const said = printed('readOnly');
      expect(said).toContain('read-only: 1');
      expect(said).toContain(digest(sealed));
      expect(readFileSync(image('sealed')).equals(sealed)).toBe(true);
    });

    it('leaves nothing behind when it detaches', () => {
      const said = printed('detached');
      expect(said).not.toContain('still attached');
      expect(said.split('\n')).toContain('0');
      for (const { name, connections } of server.exports) {
        expect(said).toContain(name);
        expect(connections).toBe(0);
      }
      expect(problems).toEqual([]);
    });
  },
);
