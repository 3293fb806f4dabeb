// The generated plugins at work in the command: in the daemon, and in `serve` to a client.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { LOOSE } from './project.mjs';

const SECTOR = 512;
const KEY = 0x5a;
const PATTERN = 170;
const TABLE = `0 2048 veil pattern:1M,${PATTERN} 0 ${KEY}`;

export async function useEverything(project) {
  await find(project);
  await readThroughTheTarget(project);
  await writeThroughTheFilter(project);
  await serve(project);
  await project.interposer('shutdown');
}

/** Installed plugins are found; the other one is named when the daemon starts. */
async function find(project) {
  await project.interposer('daemon', '--plugin', `./plugins/${LOOSE.name}`);
  const listing = await project.interposer('targets', '--all');
  assert.match(listing, /^target +veil +v1\.0\.0 +@third\/interposer-plugin-veil 0\.1\.0$/m);
  assert.match(listing, /^driver +pattern +v1\.0\.0 +interposer-plugin-pattern 0\.1\.0$/m);
  assert.match(listing, /^filter +write-limit +v1\.0\.0 +interposer-plugin-write-limit 0\.1\.0$/m);
  assert.doesNotMatch(listing, /not loaded/);
}

/** The device's pattern comes up veiled by the target's key. */
async function readThroughTheTarget(project) {
  await project.interposer('create', 'disk', '--table', TABLE);
  const head = join(project.directory, 'head');
  await project.interposer('dd', 'if=disk', `of=${head}`, `bs=${SECTOR}`, 'count=1');
  assert.deepEqual(readFileSync(head), Buffer.alloc(SECTOR, PATTERN ^ KEY));
  assert.match(
    await project.interposer('table', 'disk'),
    new RegExp(`^0 2048 veil \\d+:\\d+ 0 ${KEY}$`, 'm'),
  );
  assert.match(await project.interposer('status', 'disk'), /^0 2048 veil [1-9]\d* 0$/m);
  await project.interposer('message', 'disk', '0', 'reset');
  assert.match(await project.interposer('status', 'disk'), /^0 2048 veil 0 0$/m);
}

async function writeThroughTheFilter(project) {
  const data = join(project.directory, 'data');
  writeFileSync(data, Buffer.alloc(4 * SECTOR, 7));
  await project.interposer('filter', 'attach', 'disk', 'write-limit limit=1K');
  const refused = await project.runInterposer('dd', `if=${data}`, 'of=disk', `bs=${SECTOR}`);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /No space left on device/);
  assert.match(await project.interposer('filter', 'ls', 'disk'), /written=1024 refused=[1-9]/);
  await project.interposer('filter', 'message', 'disk', 'write-limit', 'limit', 'none');
  await project.interposer('dd', `if=${data}`, 'of=disk', `bs=${SECTOR}`);
  await project.interposer('filter', 'detach', 'disk', 'write-limit');
  await compare(project, 'disk', data);
}

/** A server without the daemon, with all three of them; the daemon is its client. */
async function serve(project) {
  const socket = join(project.directory, 'nbd.sock');
  const plugin = join(project.directory, 'plugins', LOOSE.name);
  const filter = ['--filter', 'write-limit limit=1M', '--plugin', plugin];
  const child = spawn(project.program, ['serve', '--table', TABLE, ...filter, '--unix', socket], {
    ...project.place(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    const uri = await Promise.race([firstLine(child), ended.then(() => undefined)]);
    assert(uri !== undefined, 'serve ended before it listened');
    const data = join(project.directory, 'data');
    await project.interposer('dd', `if=${data}`, `of=${uri}`, `bs=${SECTOR}`, 'conv=fsync');
    await compare(project, uri, data);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

function firstLine(child) {
  return new Promise((resolve) => createInterface(child.stdout).once('line', resolve));
}

/** The device begins with what is in the file. */
async function compare(project, device, file) {
  const expected = readFileSync(file);
  const back = join(project.directory, 'back');
  await project.interposer('dd', `if=${device}`, `of=${back}`, `bs=${expected.length}`, 'count=1');
  assert.deepEqual(readFileSync(back), expected);
}
