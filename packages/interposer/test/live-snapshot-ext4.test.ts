import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';
import { createSnapshots, finishMerge, listSnapshots, mergeSnapshot } from '@interposer/live-snapshot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasKernel, runInVm, type ScriptResult } from '../../../tools/kernel-vm/run.mjs';
import { peer } from '../../../tools/peers.ts';
import { createInterposer } from '../src/index.ts';
import { program, World } from './world.ts';

// A file system that a Linux kernel has mounted from a plain image over NBD, and a snapshot that is slid under it, shown to the
// same kernel as another disk, and merged back. The kernel runs in a virtual machine: no superuser, no module here.
const MIB = 2 ** 20;

/** The guest rings with the number of what it is done with, and waits for the answer: two sectors of a disk of their own. */
const GUEST = `
  set -e
  ring() {
    printf '%-511s\\n' $1 | dd of=/dev/nbd7 bs=512 count=1 oflag=direct 2>/dev/null
    until [ "$(dd if=/dev/nbd7 bs=512 skip=1 count=1 iflag=direct 2>/dev/null | head -c 1)" = $1 ]; do usleep 20000; done
  }
  state() {
    (cd $1 && find . -type f ! -name busy | sort | xargs sha256sum) | sha256sum | cut -c1-64
  }
  nbd-client -N bell $NBD0 /dev/nbd7
  nbd-client -N disk $NBD0 /dev/nbd0
  mkfs.ext4 -q /dev/nbd0
  mkdir /live /old
  mount -t ext4 /dev/nbd0 /live
  dd if=/dev/urandom of=/live/kept bs=64k count=32 2>/dev/null
  dd if=/dev/urandom of=/live/removed bs=64k count=16 2>/dev/null
  mkdir /live/folder
  echo first >/live/folder/changed
  sync
  echo "before: $(state /live)"
  while :; do date >>/live/busy; sync -f /live; done &
  busy=$!

  ring 1 # a snapshot is made, while files are written

  rm /live/removed
  echo second >/live/folder/changed
  dd if=/dev/urandom of=/live/new bs=64k count=32 conv=fsync 2>/dev/null
  sync
  nbd-client -N snapshot $NBD0 /dev/nbd1
  e2fsck -f -p /dev/nbd1 || [ $? -eq 1 ]
  e2fsck -f -n /dev/nbd1
  blockdev --setro /dev/nbd1
  mount -t ext4 -o ro /dev/nbd1 /old
  echo "snapshot: $(state /old)"
  umount /old
  nbd-client -d /dev/nbd1 >/dev/null
  kill $busy
  wait $busy 2>/dev/null || true
  echo "after: $(state /live)"
  umount /live
  blockdev --flushbufs /dev/nbd0

  ring 2 # it is being merged back

  mount -t ext4 /dev/nbd0 /live
  echo "merged: $(state /live)"
  dd if=/dev/urandom of=/live/later bs=64k count=16 conv=fsync 2>/dev/null
  sha256sum </live/later | sed 's/ .*//; s/^/later: /'

  ring 3 # the merge has ended, and all that was slid under is out again

  umount /live
  e2fsck -f -n /dev/nbd0
  nbd-client -d /dev/nbd0 >/dev/null
  nbd-client -d /dev/nbd7 >/dev/null`;

const programs = ['nbd-client', 'mkfs.ext4', 'e2fsck'] as const;

function kernel(): boolean {
  if (hasKernel()) return true;
  const message = 'no kernel for a virtual machine (node tools/kernel-vm/index.mjs setup)';
  if (process.env.INTERPOSER_REQUIRE_PEERS === '1') throw new Error(message);
  process.stderr.write(`tests skipped, ${message}\n`);
  return false;
}

describe.skipIf(!peer('qemu-system-x86_64', 'busybox', ...programs) || !kernel())(
  'a snapshot under a mounted ext4',
  () => {
    const engine = createInterposer();
    const server = new NbdServer();
    const ports: Port[] = [];
    let world: World;
    let image: string;
    let bell: Port;
    let result: ScriptResult;
    let merging: unknown;

    async function serve(name: string, spec: string): Promise<Port> {
      const port = await engine.open(spec, { claim: 'noexcl', mode: 'write' });
      ports.push(port);
      server.addExport({ name, port });
      return port;
    }

    /** Resolves when the guest has rung; `answer` lets it go on. */
    async function rung(number: string, guest: Promise<unknown>): Promise<void> {
      const ended = new AbortController();
      void guest.finally(() => ended.abort()).catch(() => undefined);
      while (Buffer.from(await bell.read(0, 1)).toString('latin1', 0, 1) !== number) {
        if (ended.signal.aborted) throw new Error('the guest has ended too early');
        await setTimeout(20);
      }
    }

    const answer = (number: string): Promise<void> => bell.write(1, Buffer.alloc(512, number));

    async function host(guest: Promise<unknown>): Promise<void> {
      await rung('1', guest);
      await createSnapshots(engine, [{ device: image, store: 'ram:80M', name: 'before' }]);
      await serve('snapshot', 'before');
      await answer('1');
      await rung('2', guest);
      await server.removeExport('snapshot');
      ports.pop()!.close();
      await mergeSnapshot(engine, 'before');
      merging = (await listSnapshots(engine)).map(({ state }) => state);
      await answer('2');
      await rung('3', guest);
      await finishMerge(engine, 'before');
      await answer('3');
    }

    beforeAll(async () => {
      world = new World();
      image = world.image('disk.img', 64 * MIB);
      await serve('disk', image);
      bell = await serve('bell', 'ram:1M');
      await server.listen({ path: world.path('kernel.sock') });
      const guest = runInVm({
        programs,
        modules: ['nbd', 'ext4'],
        nbdSockets: [world.path('kernel.sock')],
        timeout: 240,
        script: GUEST,
      });
      [result] = await Promise.all([guest, host(guest)]);
    }, 300_000);

    afterAll(async () => {
      await server.close();
      for (const port of ports) port.close();
      await engine.close();
      await world.end();
    });

    function printed(name: string): string {
      const line = new RegExp(`^${name}: (\\w+)$`, 'm').exec(result.stdout)?.[1];
      if (line === undefined) throw new Error(`${name} is not in\n${result.stdout}${result.stderr}`);
      return line;
    }

    it('shows what the files were, while they change', () => {
      expect([result.status, result.stderr]).toEqual([0, expect.any(String)]);
      expect(printed('snapshot')).toBe(printed('before'));
      expect(printed('after')).not.toBe(printed('before'));
    });

    it('makes the disk what it was, and lets it be used meanwhile', async () => {
      expect(merging).toEqual(['merging']);
      expect(printed('merged')).toBe(printed('before'));
      const later = world.path('later');
      await program('debugfs', '-R', `dump /later ${later}`, image);
      expect((await program('sha256sum', later)).split(' ')[0]).toBe(printed('later'));
    });

    it('leaves nothing behind', async () => {
      expect(await listSnapshots(engine)).toEqual([]);
      expect(await engine.list()).toEqual([]);
      expect(await engine.remaps()).toEqual([]);
      expect(readFileSync(image).length).toBe(64 * MIB);
    });
  },
);
