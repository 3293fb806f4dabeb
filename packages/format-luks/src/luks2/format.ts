import { fail } from '@interposer/core';
import type { FormatPlan } from '../format.ts';
import { hashOf } from '../hashes.ts';
import { defaultKdf } from '../kdf.ts';
import { makeDigest } from '../make-digest.ts';
import { overwrite } from '../overwrite.ts';
import type { LuksStorage } from '../storage.ts';
import { areaBytes } from './areas.ts';
import { BINARY_BYTES, type BinaryHeader, encodeHeader, HEADER_SIZES } from './binary-header.ts';
import { type Copy, writeCopies } from './copies.ts';
import type { JsonObject } from './json-text.ts';
import { AREA_ALIGNMENT } from './keyslots.ts';
import { parseMetadata } from './metadata.ts';
import { withSlot } from './slot-json.ts';
import { makeSlot, writeArea } from './slots.ts';
import { Luks2Volume } from './volume.ts';

const HEADER_BYTES = 16_384;
/** Where the data begins by default: cryptsetup's. */
const DATA_OFFSET = 2 ** 24;
const MOST_KEYSLOTS_BYTES = 2 ** 27;
const SECTOR_SIZES = [512, 1024, 2048, 4096];

/** Where everything is to be, in bytes. */
interface Layout {
  readonly headerBytes: number;
  readonly keyslotsBytes: number;
  readonly dataOffset: number;
  readonly sectorSize: number;
}

/** Makes a LUKS2 header with one key slot; see `formatLuks`. The primary copy is the last that is written. */
export async function formatLuks2(storage: LuksStorage, plan: FormatPlan): Promise<Luks2Volume> {
  const { cipher, hash, passphrase, volumeKey, uuid, label = '', subsystem = '' } = plan;
  const layout = makeLayout(plan, storage.bytes);
  const { headerBytes, keyslotsBytes } = layout;
  const json = await makeJson(plan, layout);
  const binary: BinaryHeader = {
    headerBytes,
    sequence: 0n,
    label,
    subsystem,
    checksumHash: 'sha256',
    salt: Buffer.alloc(0),
    uuid,
  };
  const none: Copy = { role: 'primary', binary, json, metadata: parseMetadata(json, headerBytes) };
  // Its texts may not fit, which must be known before anything is written.
  encodeHeader(binary, 'primary', JSON.stringify(json));
  await storage.write(0, Buffer.alloc(2 * headerBytes));
  await overwrite(storage, 2 * headerBytes, 2 * headerBytes + keyslotsBytes);
  await storage.flush();
  const shape = { encryption: cipher, areaKeyBytes: volumeKey.length, hash };
  const content = { kdf: plan.kdf ?? defaultKdf(), volumeKey, passphrase };
  const slot = await makeSlot(none, shape, content);
  await writeArea(storage, slot);
  await writeCopies(storage, none, { json: withSlot(json, 0, slot.json, 0) });
  return Luks2Volume.read(storage);
}

function makeLayout(plan: FormatPlan, bytes: number): Layout {
  const { headerBytes = HEADER_BYTES, detached, volumeKey } = plan;
  if (!HEADER_SIZES.includes(headerBytes)) {
    throw fail('EINVAL', `a header of ${String(headerBytes)} bytes: want one of ${HEADER_SIZES.join(', ')}`);
  }
  const dataOffset = plan.dataOffset ?? (detached === undefined ? defaultOffset(plan, headerBytes) : 0);
  const before = detached === undefined ? dataOffset : Math.min(bytes, DATA_OFFSET);
  const room = Math.min(MOST_KEYSLOTS_BYTES, before - 2 * headerBytes);
  const keyslotsBytes = plan.keyslotsBytes ?? Math.floor(room / AREA_ALIGNMENT) * AREA_ALIGNMENT;
  if (keyslotsBytes < areaBytes(volumeKey.length) || keyslotsBytes % AREA_ALIGNMENT !== 0) {
    throw fail(
      'EINVAL',
      `${String(keyslotsBytes)} bytes for key slots: too few for one, or no multiple of 4096`,
    );
  }
  const end = 2 * headerBytes + keyslotsBytes;
  if (detached === undefined && dataOffset < end) {
    throw fail(
      'EINVAL',
      `the data cannot begin at byte ${String(dataOffset)}: the header takes ${String(end)} bytes`,
    );
  }
  if (end > bytes)
    throw fail('ENOSPC', `the header takes ${String(end)} bytes, the device has ${String(bytes)}`);
  const dataBytes = (detached?.dataBytes ?? bytes) - dataOffset;
  const sectorSize = plan.sectorSize ?? (dataBytes % 4096 === 0 && dataOffset % 4096 === 0 ? 4096 : 512);
  checkData({ headerBytes, keyslotsBytes, dataOffset, sectorSize }, dataBytes);
  return { headerBytes, keyslotsBytes, dataOffset, sectorSize };
}

/** Behind the key slots where their size is given. */
function defaultOffset({ keyslotsBytes }: FormatPlan, headerBytes: number): number {
  return keyslotsBytes === undefined
    ? Math.max(DATA_OFFSET, 4 * headerBytes)
    : 2 * headerBytes + keyslotsBytes;
}

function checkData({ dataOffset, sectorSize }: Layout, dataBytes: number): void {
  if (!SECTOR_SIZES.includes(sectorSize)) {
    throw fail('EINVAL', `sectors of ${String(sectorSize)} bytes: want one of ${SECTOR_SIZES.join(', ')}`);
  }
  if (!Number.isSafeInteger(dataOffset) || dataOffset < 0 || dataOffset % sectorSize !== 0) {
    throw fail('EINVAL', `the data cannot begin at byte ${String(dataOffset)}`);
  }
  if (dataBytes < sectorSize) throw fail('ENOSPC', `no room for data behind byte ${String(dataOffset)}`);
}

async function makeJson(plan: FormatPlan, layout: Layout): Promise<JsonObject> {
  const { cipher, hash, volumeKey, digestIterations } = plan;
  const { iterations, salt, digest } = await makeDigest(
    volumeKey,
    hash,
    hashOf(hash).bytes,
    digestIterations,
  );
  const segment = {
    type: 'crypt',
    offset: String(layout.dataOffset),
    size: 'dynamic',
    iv_tweak: '0',
    encryption: cipher,
    sector_size: layout.sectorSize,
  };
  return {
    keyslots: {},
    tokens: {},
    segments: { '0': segment },
    digests: {
      '0': {
        type: 'pbkdf2',
        keyslots: [],
        segments: ['0'],
        hash,
        iterations,
        salt: salt.toString('base64'),
        digest: digest.toString('base64'),
      },
    },
    config: {
      json_size: String(layout.headerBytes - BINARY_BYTES),
      keyslots_size: String(layout.keyslotsBytes),
    },
  };
}
