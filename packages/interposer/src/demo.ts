import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { asError, asyncFilter, type Engine, type FilterType, type Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';
import { createInterposer } from './bundle.ts';
import { Workload } from './demo/workload.ts';

// The demonstration behind `npm start`: a disk with a bad sector, served over NBD, and a filter slid over it while it is in
// use. It makes everything it needs in a temporary directory and leaves nothing behind.

const IMAGE_BYTES = 100 * 2 ** 20;
const PHASE = 1500;
const DELAY = 3;

const directory = mkdtempSync(join(tmpdir(), 'interposer-demo-'));
const image = join(directory, 'disk.img');
const socket = join(directory, 'nbd.sock');

/** A whole filter: counts what goes by, and holds each request back for a moment. */
let seen = 0;
const slow: FilterType = asyncFilter({
  name: 'demo-slow',
  altitude: '140000',
  async handle(_bio, next) {
    seen++;
    await sleep(DELAY);
    await next();
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function step(number: number, text: string): void {
  say(`\n[${String(number)}/6] ${text}`);
}

async function buildDisk(engine: Engine): Promise<Port> {
  step(1, 'A disk image, and a device over it whose 9th sector is bad');
  writeFileSync(image, 'Hello from the first sector.'.padEnd(512).repeat(8));
  truncateSync(image, IMAGE_BYTES);
  const table = `0 8 linear ${image} 0\n8 1 error\n9 204791 linear ${image} 9`;
  say(table.replace(/^/gm, '      '));
  const { sectors } = await engine.create('bad_disk', { table });
  say(`      bad_disk has ${String(sectors)} sectors`);
  return engine.open('bad_disk', { holder: 'export' });
}

async function serve(port: Port): Promise<{ readonly server: NbdServer; readonly uri: string }> {
  step(2, 'Served over NBD on a UNIX socket');
  const server = new NbdServer();
  server.addExport({ name: 'bad_disk', port });
  await server.listen({ path: socket });
  const uri = `nbd+unix:///bad_disk?socket=${socket}`;
  say(`      ${uri}`);
  return { server, uri };
}

async function readThrough(client: Port): Promise<void> {
  step(3, 'Read through that socket with the built-in client');
  const good = await client.read(0, 8);
  say(`      sectors 0 to 7: "${Buffer.from(good.subarray(0, 28)).toString()}"`);
  try {
    await client.read(8, 1);
    throw new Error('the bad sector could be read');
  } catch (error) {
    const { message } = asError(error);
    if (!message.includes('EIO')) throw error;
    say(`      sector 8: ${message}`);
  }
}

async function measure(workload: Workload, label: string): Promise<void> {
  const { reads, writes } = workload.totals;
  await sleep(PHASE);
  const perSecond = (count: number): string => String(Math.round((count * 1000) / PHASE)).padStart(6);
  say(
    `      ${label.padEnd(16)} ${perSecond(workload.totals.reads - reads)} reads/s ` +
      `${perSecond(workload.totals.writes - writes)} writes/s`,
  );
}

async function interpose(engine: Engine, client: Port): Promise<void> {
  step(4, 'A reader and a writer run; a filter is slid over the device under them, and taken out again');
  const workload = new Workload(client);
  workload.start();
  await measure(workload, 'without filter');
  await engine.attachFilter('bad_disk', 'demo-slow');
  await measure(workload, `${String(DELAY)} ms filter on`);
  await engine.detachFilter('bad_disk', 'demo-slow');
  const counted = seen;
  await measure(workload, 'filter off again');
  await workload.stop();
  step(5, 'Nobody noticed but by the time it took');
  const { reads, writes, problems } = workload.totals;
  say(
    `      ${String(reads)} reads and ${String(writes)} writes, ${String(counted)} of them through the filter`,
  );
  say(`      ${String(problems.length)} failed, lost or torn; each sector was checked against its stamp`);
  if (problems.length > 0) throw new Error(problems.slice(0, 5).join('; '));
}

async function run(): Promise<void> {
  say('Interposer: a device mapper in user space. No root, no kernel module.');
  const engine = createInterposer({ types: [slow] });
  const clients = createInterposer();
  const port = await buildDisk(engine);
  const { server, uri } = await serve(port);
  const client = await clients.open(uri);
  await readThrough(client);
  await interpose(engine, client);
  step(6, 'Clients go, the export ends, everything is flushed and closed');
  client.close();
  await clients.close();
  await server.close();
  port.close();
  await engine.close();
}

function next(): void {
  say('\nTry next:');
  for (const command of [
    'npm start -- serve ram:64M                       a RAM disk on nbd://127.0.0.1/ until Ctrl-C',
    'npm start -- serve my.img --unix /tmp/my.sock    an image of yours on a UNIX socket',
    "npm start -- create zeros --table '0 2048 zero'  a device in the daemon, which starts by itself",
    'npm start -- explain zeros                       what a request goes through',
    'npm start -- shutdown                            ends the daemon',
    'npm start -- help                                everything else',
  ]) {
    say(`  ${command}`);
  }
}

process.once('exit', () => {
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  await run();
  next();
} catch (error) {
  process.stderr.write(`The demonstration failed: ${asError(error).message}\n`);
  // What it had started would keep the process alive.
  process.exit(1);
}
