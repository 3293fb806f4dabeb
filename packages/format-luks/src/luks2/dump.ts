import { hexLines } from '../hex-lines.ts';
import type { Kdf } from '../kdf.ts';
import { printable } from '../text-field.ts';
import { STRIPES } from '../anti-forensic.ts';
import type { BinaryHeader } from './binary-header.ts';
import type { Copy } from './copies.ts';
import type { Keyslot } from './keyslots.ts';
import type { Metadata, Token } from './metadata.ts';
import type { JsonObject } from './json-text.ts';
import type { KeyDigest, Segment } from './segments.ts';

/** As cryptsetup prints it. */
export function dumpHeader({ binary, metadata, json }: Copy): string {
  const { keyslots, tokens, segments, digests } = metadata;
  const lines = [
    ...summary(binary, metadata),
    'Data segments:',
    ...inOrder(segments).flatMap(([number, segment]) => segmentLines(number, segment)),
    'Keyslots:',
    ...inOrder(keyslots).flatMap(([number, slot]) => slotLines(number, slot, metadata, json)),
    'Tokens:',
    ...inOrder(tokens).flatMap(([number, token]) => tokenLines(number, token, json)),
    'Digests:',
    ...inOrder(digests).flatMap(([number, digest]) => digestLines(number, digest)),
  ];
  return `${lines.join('\n')}\n`;
}

function inOrder<T>(map: ReadonlyMap<number, T>): (readonly [number, T])[] {
  return [...map].sort(([one], [other]) => one - other);
}

function summary(binary: BinaryHeader, { config }: Metadata): string[] {
  const { requirements, flags } = config;
  return [
    'LUKS header information',
    top('Version:', '2'),
    top('Epoch:', String(binary.sequence)),
    top('Metadata area:', `${String(binary.headerBytes)} [bytes]`),
    top('Keyslots area:', `${String(config.keyslotsBytes)} [bytes]`),
    top('UUID:', binary.uuid),
    top('Label:', binary.label === '' ? '(no label)' : binary.label),
    top('Subsystem:', binary.subsystem === '' ? '(no subsystem)' : binary.subsystem),
    `Flags:       \t${flags.length === 0 ? '(no flags)' : printable(flags.join(' '))}`,
    ...(requirements.length === 0 ? [] : [`Requirements:\t${printable(requirements.join(' '))}`]),
    '',
  ];
}

function top(name: string, value: string): string {
  return `${name.padEnd(15)}\t${value}`;
}

function line(name: string, value: string): string {
  return `\t${name.padEnd(12)}${value}`;
}

function segmentLines(number: number, { type, offset, size, crypt, flags }: Segment): string[] {
  return [
    `  ${String(number)}: ${printable(type)}`,
    `\toffset: ${String(offset)} [bytes]`,
    `\tlength: ${size === undefined ? '(whole device)' : `${String(size)} [bytes]`}`,
    ...(crypt === undefined
      ? []
      : [`\tcipher: ${crypt.encryption}`, `\tsector: ${String(crypt.sectorSize)} [bytes]`]),
    ...(crypt?.integrity === undefined ? [] : [`\tintegrity: ${printable(crypt.integrity)}`]),
    ...(flags.length === 0 ? [] : [`\tflags : ${printable(flags.join(', '))}`]),
    '',
  ];
}

const PRIORITIES = ['ignored', 'normal', 'preferred'] as const;

function slotLines(number: number, slot: Keyslot, { digests }: Metadata, json: JsonObject): string[] {
  const { type, keyBytes, priority, area, passphrase } = slot;
  const digest = [...digests].find(([, { keyslots }]) => keyslots.includes(number));
  const isUnbound = digest?.[1].segments.includes(0) === false;
  return [
    `  ${String(number)}: ${printable(type)}${isUnbound ? ' (unbound)' : ''}`,
    line('Key:', `${String(keyBytes * 8)} bits`),
    line('Priority:', PRIORITIES[priority]),
    ...(passphrase === undefined
      ? []
      : [
          line('Cipher:', passphrase.encryption),
          line('Cipher key:', `${String(passphrase.areaKeyBytes * 8)} bits`),
          line('PBKDF:', passphrase.kdf.type),
          ...kdfLines(passphrase.kdf),
          line('Salt:', hexLines(passphrase.salt, 16, `\t${' '.repeat(12)}`)),
          line('AF stripes:', String(STRIPES)),
          line('AF hash:', printable(passphrase.hash)),
        ]),
    ...(type === 'reencrypt' ? reencryptionLines(objectOf(objectOf(json, 'keyslots'), String(number))) : []),
    line('Area offset:', `${String(area.offset)} [bytes]`),
    line('Area length:', `${String(area.size)} [bytes]`),
    ...(digest === undefined ? [] : [line('Digest ID:', String(digest[0]))]),
  ];
}

/** How far it goes to be safe. Nothing of it is checked: it is only shown. */
function reencryptionLines(slot: JsonObject): string[] {
  const area = objectOf(slot, 'area');
  const shown: readonly (readonly [name: string, value: unknown, unit?: string])[] = [
    ['Mode:', slot.mode],
    ['Direction:', slot.direction],
    ['Resilience:', area.type],
    ['Hash:', area.hash],
    ['Hash data:', area.sector_size, ' [bytes]'],
    ['Shift size:', area.shift_size, ' [bytes]'],
  ];
  return shown.flatMap(([name, value, unit = '']) =>
    typeof value === 'string' || typeof value === 'number'
      ? [line(name, `${printable(String(value))}${unit}`)]
      : [],
  );
}

/** A member that was checked to be an object. */
function objectOf(json: JsonObject, name: string): JsonObject {
  return json[name] as JsonObject;
}

function kdfLines(kdf: Kdf): string[] {
  if (kdf.type === 'pbkdf2')
    return [line('Hash:', printable(kdf.hash)), line('Iterations:', String(kdf.iterations))];
  return [
    line('Time cost:', String(kdf.time)),
    line('Memory:', String(kdf.memory)),
    line('Threads:', String(kdf.cpus)),
  ];
}

/** Of the one type of cryptsetup itself, what it says; what programs keep in their own may be secret. */
function tokenLines(number: number, { type, keyslots }: Token, json: JsonObject): string[] {
  const { key_description: description } = (json.tokens as Readonly<Record<string, JsonObject>>)[
    String(number)
  ]!;
  return [
    `  ${String(number)}: ${printable(type)}`,
    ...(type === 'luks2-keyring' && typeof description === 'string'
      ? [`\tKey description: ${printable(description)}`]
      : []),
    ...keyslots.map((slot) => line('Keyslot:', String(slot))),
  ];
}

function digestLines(number: number, { type, hash, iterations, salt, digest }: KeyDigest): string[] {
  return [
    `  ${String(number)}: ${type}`,
    line('Hash:', printable(hash)),
    line('Iterations:', String(iterations)),
    line('Salt:', hexLines(salt, 16, `\t${' '.repeat(12)}`)),
    line('Digest:', hexLines(digest, 16, `\t${' '.repeat(12)}`)),
  ];
}

/** The same for programs: the metadata as it stands there. */
export function describeHeader({ binary, json }: Copy): Readonly<Record<string, unknown>> {
  const { headerBytes, sequence, label, subsystem, checksumHash, uuid } = binary;
  return {
    version: 2,
    uuid,
    label,
    subsystem,
    sequence: String(sequence),
    checksumHash,
    headerBytes,
    metadata: json,
  };
}
