import { writeFileSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { pskFile, x509Folder } from '../../../../tools/tls/index.ts';
import { Background, succeed } from './commands.ts';
import { IMAGE_BYTES, UNIT, pattern, RUNS, sameFiles } from './images.ts';
import { nbdshScript } from './nbdsh-script.ts';
import { answers, HOST, type Place, qemuOptions, type Setting, uriOf, USER } from './places.ts';

/** What a client works on: a server of ours, and a way to name files. */
export interface Scene {
  readonly place: Place;
  /** The image below the export, fresh. */
  readonly image: string;
  /** The full path of a file of this cell. */
  readonly path: (name: string) => string;
}

/** A row of the matrix: a program that uses our server. */
export interface Client {
  readonly name: string;
  readonly programs: readonly string[];
  /** Whether the program can do this at all; it can if this is absent. */
  readonly can?: (setting: Setting) => boolean;
  readonly use: (scene: Scene) => Promise<void>;
}

/** An image that differs from a fresh one, with holes. */
function makeSource(path: string): string {
  const data = Buffer.alloc(IMAGE_BYTES);
  pattern(3 * UNIT, 77).copy(data, 2 * UNIT);
  pattern(70_000, 78).copy(data, 11 * UNIT + 1);
  writeFileSync(path, data);
  return path;
}

interface MapEntry {
  readonly offset: number;
  readonly length: number;
  readonly type: number;
}

function expectFreshMap(entries: readonly MapEntry[]): void {
  expect(entries.map(({ offset, length, type }) => ({ offset, length, data: type === 0 }))).toEqual(RUNS);
}

async function nbdinfo({ place }: Scene): Promise<void> {
  const uri = uriOf(place);
  const facts = {
    'export-name': 'disk',
    'export-size': IMAGE_BYTES,
    contexts: ['base:allocation'],
    is_read_only: false,
    can_df: true,
    can_multi_conn: true,
    can_fast_zero: true,
    block_size_minimum: 1,
  };
  const protocol = { protocol: 'newstyle-fixed', TLS: place.security !== 'plain', structured: true };
  for (const words of [['--json'], ['--json', '--list']]) {
    const told: unknown = JSON.parse(await succeed('nbdinfo', ...words, uri));
    expect(told).toMatchObject({ ...protocol, exports: [facts] });
  }
  expectFreshMap(JSON.parse(await succeed('nbdinfo', '--json', '--map', uri)) as MapEntry[]);
}

async function nbdcopy({ place, image, path }: Scene): Promise<void> {
  const [source, copy] = [makeSource(path('source')), path('copy')];
  await succeed('nbdcopy', '-C', '4', uriOf(place), copy);
  expect(sameFiles(copy, image)).toBe(true);
  await succeed('nbdcopy', '-C', '4', '--flush', source, uriOf(place));
  expect(sameFiles(image, source)).toBe(true);
}

async function nbdsh({ place, image }: Scene): Promise<void> {
  const { exportName, security } = place;
  const script = nbdshScript({ uri: uriOf(place), image, exportName, tls: security !== 'plain' });
  await succeed('nbdsh', '-c', script);
  const after = readFileSync(image);
  expect(after.subarray(3 * UNIT + 1, 3 * UNIT + 8).toString()).toBe('by hand');
  expect(after.subarray(0, 3 * 65_536).every((byte) => byte === 0)).toBe(true);
}

async function qemuImg({ place, image, path }: Scene): Promise<void> {
  const [source, copy] = [makeSource(path('source')), path('copy')];
  const { object, image: remote } = qemuOptions(place);
  const options = `driver=raw,${remote.replace(/^|,/g, (comma) => `${comma}file.`)}`;
  const map: unknown = JSON.parse(
    await succeed('qemu-img', 'map', '--output=json', ...object, '--image-opts', options),
  );
  expect(map).toMatchObject(
    RUNS.map(({ offset, length, data }) => ({ start: offset, length, data, zero: !data })),
  );
  await succeed('qemu-img', 'convert', ...object, '--image-opts', options, '-O', 'raw', copy);
  expect(sameFiles(copy, image)).toBe(true);
  await succeed('qemu-img', 'convert', ...object, '-n', '-f', 'raw', '--target-image-opts', source, options);
  expect(sameFiles(image, source)).toBe(true);
  const local = `driver=raw,file.driver=file,file.filename=${source}`;
  expect(await succeed('qemu-img', 'compare', ...object, '--image-opts', options, local)).toContain(
    'Images are identical.',
  );
}

async function qemuIo({ place, image }: Scene): Promise<void> {
  const { object, image: remote } = qemuOptions(place);
  const options = `driver=raw,${remote.replace(/^|,/g, (comma) => `${comma}file.`)}`;
  const commands = [
    'write -P 0x41 0 64k',
    'write -f -P 0x42 65536 4096',
    'write -P 0x43 512k 1536',
    'write -z 4096 8192',
    'write -z -u 16384 4096',
    'discard 1536k 64k',
    'flush',
    'read -P 0x41 0 4096',
    'read -P 0 4096 8192',
    'read -P 0 16384 4096',
    'read -P 0x42 65536 4096',
    'read -P 0x43 512k 1536',
  ];
  const words = commands.flatMap((command) => ['-c', command]);
  const said = await succeed('qemu-io', ...object, '--image-opts', ...words, options);
  expect(said).not.toMatch(/fail|mismatch/i);
  expect(
    readFileSync(image)
      .subarray(2 * UNIT, 2 * UNIT + 1536)
      .every((byte) => byte === 0x43),
  ).toBe(true);
}

/** The nbd plugin of nbdkit is our client; its server is between us and libnbd. */
async function nbdkitInFront(scene: Scene): Promise<void> {
  const { place, image, path } = scene;
  const { security } = place;
  const front = path('front.sock');
  const plain = { ...place, path: front, transport: 'UNIX', security: 'plain' } as const;
  const means = {
    plain: ['tls=off'],
    'TLS X.509': ['tls=require', `tls-certificates=${x509Folder}`],
    'TLS PSK': ['tls=require', `tls-psk=${pskFile}`, `tls-username=${USER}`],
  }[security];
  // What the URI says of files is given as parameters of the plugin.
  const uri = uriOf(place).replace(/[?&]tls-[^&]*/g, '');
  const nbdkit = new Background('nbdkit', '-f', '-U', front, 'nbd', `uri=${uri}`, ...means);
  try {
    await nbdkit.until(() => answers({ path: front }));
    expectFreshMap(JSON.parse(await succeed('nbdinfo', '--json', '--map', uriOf(plain))) as MapEntry[]);
    await nbdcopy({ place: plain, image, path });
  } finally {
    await nbdkit.stop();
  }
}

async function fio({ place, image, path }: Scene): Promise<void> {
  await succeed(
    'fio',
    '--name=verify',
    '--ioengine=nbd',
    `--uri=${uriOf(place)}`,
    '--rw=randwrite',
    '--bsrange=4k-256k',
    '--iodepth=16',
    `--size=${String(IMAGE_BYTES)}`,
    '--verify=crc32c',
    '--verify_fatal=1',
    '--verify_state_save=0',
    `--output=${path('fio.log')}`,
  );
  expect(
    readFileSync(image)
      .subarray(UNIT, 6 * UNIT)
      .some((byte) => byte !== 0),
  ).toBe(true);
}

async function nbdClientList({ place }: Scene): Promise<void> {
  const { security, path, port } = place;
  const means = [
    ...['-certfile', `${x509Folder}/client-cert.pem`, '-keyfile', `${x509Folder}/client-key.pem`],
    ...['-cacertfile', `${x509Folder}/ca-cert.pem`, '-tlshostname', 'localhost', '-enable-tls'],
  ];
  const where = path === undefined ? [HOST, String(port)] : ['-unix', path];
  const words = [...(security === 'plain' ? [] : means), '-list', ...where];
  expect(await succeed('nbd-client', ...words)).toMatch(/^disk$/m);
}

/** Every client that is tried on our server. */
export const CLIENTS: readonly Client[] = [
  { name: 'nbdinfo', programs: ['nbdinfo'], use: nbdinfo },
  { name: 'nbdcopy', programs: ['nbdcopy'], use: nbdcopy },
  { name: 'nbdsh', programs: ['nbdsh'], use: nbdsh },
  { name: 'qemu-img', programs: ['qemu-img'], use: qemuImg },
  { name: 'qemu-io', programs: ['qemu-io'], use: qemuIo },
  { name: 'nbdkit nbd', programs: ['nbdkit', 'nbdinfo', 'nbdcopy'], use: nbdkitInFront },
  // Its engine does not let a URI name files of certificates and keys.
  { name: 'fio', programs: ['fio'], can: ({ security }) => security === 'plain', use: fio },
  // The program has no pre-shared keys. Attaching takes a kernel: see kernel-nbd.test.ts.
  {
    name: 'nbd-client -l',
    programs: ['nbd-client'],
    can: ({ security }) => security !== 'TLS PSK',
    use: nbdClientList,
  },
];
