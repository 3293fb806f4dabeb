// A bank in SQLite on ext4, in every power cut there may be. It takes Linux, a superuser for the mount, and python3.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { crashTest } from '@interposer/testing';

const ACCOUNTS = 400;

const OPEN = `
import sqlite3, sys
bank = sqlite3.connect(sys.argv[1] + "/bank.db")
bank.executescript("PRAGMA page_size = 1024; CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER, note TEXT);")
bank.execute("CREATE INDEX account_note ON account (note)")
bank.executemany("INSERT INTO account VALUES (?, 1000, ?)", [(i, f"account {i}") for i in range(${ACCOUNTS})])
bank.commit()
`;

const TRANSFER = `
import random, sqlite3, sys
bank = sqlite3.connect(sys.argv[2] + "/bank.db")
bank.execute("PRAGMA synchronous = " + sys.argv[1])
chance = random.Random(1)
for transfer in range(6):
    for giver, taker in (chance.sample(range(${ACCOUNTS}), 2) for _ in range(4)):
        bank.execute("UPDATE account SET money = money - 1, note = ? WHERE id = ?", (f"transfer {transfer}", giver))
        bank.execute("UPDATE account SET money = money + 1, note = ? WHERE id = ?", (f"transfer {transfer}", taker))
    bank.commit()
    print("committed", transfer, flush=True)
`;

const CHECK = `
import sqlite3, sys
bank = sqlite3.connect(sys.argv[1] + "/bank.db")
try:
    (verdict,) = bank.execute("PRAGMA integrity_check(1)").fetchone()
    money = bank.execute("SELECT count(*), sum(money) FROM account").fetchone()
except sqlite3.DatabaseError as error:
    verdict, money = str(error), None
if verdict != "ok" or money != (${ACCOUNTS}, ${ACCOUNTS} * 1000):
    sys.exit(f"the bank is broken: {verdict}, {money}")
`;

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** What a power cut may do to the bank while money moves, with `PRAGMA synchronous` as it is given. */
export function crashTestBank(synchronous) {
  return inFolder(async (folder) => {
    const [image, files, mount] = ['image', 'files', 'mount'].map((name) => join(folder, name));
    await Promise.all([mkdir(files), mkdir(mount)]);
    await run('python3', '-c', OPEN, files);
    const ready = 'lazy_itable_init=0,lazy_journal_init=0';
    await run('mke2fs', '-q', '-t', 'ext4', '-b', '1024', '-E', ready, '-d', files, image, '16M');
    return crashTest({
      image,
      path: true,
      // A disk that writes 4 KiB whole: no page of 1 KiB is torn, so nothing but order is to blame.
      unit: 4096,
      states: 100,
      jobs: 2,
      stopAfter: 1,
      run: (disk, promise) => transfer(disk.path, mount, synchronous, promise),
      check: (disk) => inFolder((state) => check(disk, state)),
    });
  });
}

/** Moves money on the mounted disk; what has been committed is a promise. */
async function transfer(disk, mount, synchronous, promise) {
  const script = 'mount -o loop,noatime "$0" "$1"; python3 -c "$2" "$3" "$1"; umount "$1"';
  const words = ['--mount', 'sh', '-euc', script, disk, mount, TRANSFER, synchronous];
  const child = spawn('unshare', words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  for await (const line of createInterface(child.stdout)) await promise(line);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the transfers ended with ${code}`);
}

/** Recovers the file system as a boot would, takes the bank out and looks at it. */
async function check(disk, folder) {
  const image = join(folder, 'image');
  await disk.save(image);
  // Exit code 1: something was corrected, as it should be.
  await run('sh', '-c', 'e2fsck -fy "$0" >&2 || test $? -eq 1', image);
  await run('debugfs', '-R', `rdump / ${folder}`, image);
  await run('python3', '-c', CHECK, folder);
}

async function run(program, ...words) {
  try {
    await promisify(execFile)(program, words, { env });
  } catch (error) {
    throw new Error(error.stderr?.trim() || error.message, { cause: error });
  }
}

async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'bank-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
