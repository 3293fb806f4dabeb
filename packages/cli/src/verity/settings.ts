import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fail, fromSystemError, SECTOR_SIZE } from '@interposer/core';
import { bytesOfHex, hashAlgorithm, type HashRecipe } from '@interposer/format-verity';
import type { Options } from '../command-line.ts';
import { countOption } from '../option-values.ts';
import { userFile } from '../user-file.ts';
import type { Command } from '../verb.ts';

/** Where things lie on the devices, in bytes. */
export interface Offsets {
  readonly hashOffset: number;
  readonly hasSuperblock: boolean;
  readonly fecOffset: number;
  readonly fecRoots: number;
}

/** What a new image is to be, as far as the data does not say it. */
export interface Shape extends HashRecipe {
  readonly dataBlockSize: number;
  readonly hashBlockSize: number;
  /** Absent: as many as there are. */
  readonly dataBlocks: number | undefined;
}

/** The defaults of veritysetup. */
const DEFAULTS = { hash: 'sha256', saltSize: 32, blockSize: 4096, fecRoots: 2 };

/** EINVAL for a number that is none, and for a place within a sector. */
export function readOffsets(options: Options): Offsets {
  return {
    hashOffset: placeOption(options, 'hash-offset'),
    hasSuperblock: !options.has('no-superblock'),
    fecOffset: placeOption(options, 'fec-offset'),
    fecRoots: countOption(options, 'fec-roots', 0) ?? DEFAULTS.fecRoots,
  };
}

function placeOption(options: Options, name: string): number {
  const place = countOption(options, name, 0) ?? 0;
  if (place % SECTOR_SIZE === 0) return place;
  throw fail('EINVAL', `--${name} ${String(place)}: no whole number of sectors`);
}

/** A new image gets a salt where none is given; one that there is already has its own, which must be told. */
export function readShape(options: Options, isNew: boolean): Shape {
  const type = countOption(options, 'format', 0) ?? 1;
  if (type !== 0 && type !== 1) throw fail('EINVAL', `--format ${String(type)}: neither 0 nor 1`);
  return {
    hashType: type,
    algorithm: hashAlgorithm(options.get('hash') ?? DEFAULTS.hash),
    salt: saltOf(options.get('salt'), isNew),
    dataBlockSize: countOption(options, 'data-block-size', 0) ?? DEFAULTS.blockSize,
    hashBlockSize: countOption(options, 'hash-block-size', 0) ?? DEFAULTS.blockSize,
    dataBlocks: countOption(options, 'data-blocks', 0),
  };
}

function saltOf(text: string | undefined, isNew: boolean): Uint8Array {
  if (text === undefined && isNew) return randomBytes(DEFAULTS.saltSize);
  if (text === undefined)
    throw fail('EINVAL', 'without a superblock --salt says which salt it is; - for none');
  const salt = text === '-' ? new Uint8Array(0) : bytesOfHex(text);
  if (salt === undefined) throw fail('EINVAL', `--salt ${text}: not hexadecimal, nor - for none`);
  return salt;
}

/** The root hash that a user trusts: an operand, or in a file. */
export async function readRootHash(command: Command, operand: string | undefined): Promise<string> {
  const file = command.options.get('root-hash-file');
  if ((operand === undefined) === (file === undefined))
    throw fail('EINVAL', 'the root hash stands behind the devices, or in the file of --root-hash-file');
  const text = operand ?? (await readText(userFile(command, file!)));
  if (text === '' || bytesOfHex(text) === undefined) throw fail('EINVAL', 'the root hash is not hexadecimal');
  return text.toLowerCase();
}

async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'latin1')).trim();
  } catch (error) {
    throw fromSystemError(error, `--root-hash-file ${path}`);
  }
}
