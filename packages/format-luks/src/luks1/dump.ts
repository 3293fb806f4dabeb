import { cipherOf, headerAndSlots, type Luks1Header } from './header.ts';
import { hexLines } from '../hex-lines.ts';
import { STRIPES } from '../anti-forensic.ts';

/** As cryptsetup prints it. */
export function dumpHeader(header: Luks1Header): string {
  const { digest } = header;
  const lines = [
    'LUKS header information',
    '',
    field('Version', '1'),
    field('Cipher name', header.cipherName),
    field('Cipher mode', header.cipherMode),
    field('Hash spec', header.hash),
    field('Payload offset', String(header.payload)),
    field('MK bits', String(header.keyBytes * 8)),
    field('MK digest', hexLines(digest.digest, digest.digest.length, '')),
    field('MK salt', hexLines(digest.salt, 16, `${' '.repeat(15)}\t`)),
    field('MK iterations', String(digest.iterations)),
    field('UUID', header.uuid),
    '',
    ...header.slots.flatMap(({ enabled, iterations, salt, material }, slot) => [
      `Key Slot ${String(slot)}: ${enabled ? 'ENABLED' : 'DISABLED'}`,
      ...(enabled
        ? [
            slotField('Iterations:', String(iterations)),
            slotField('Salt:', hexLines(salt, 16, `\t${' '.repeat(22)}\t`)),
            slotField('Key material offset:', String(material)),
            slotField('AF stripes:'.padEnd(23), String(STRIPES)),
          ]
        : []),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function field(name: string, value: string): string {
  return `${`${name}:`.padEnd(15)}\t${value}`;
}

function slotField(name: string, value: string): string {
  return `\t${name.padEnd(20)}\t${value}`;
}

/** The same for programs. */
export function describeHeader(header: Luks1Header): Readonly<Record<string, unknown>> {
  const { hash, payload, keyBytes, digest, uuid, slots } = header;
  return {
    version: 1,
    uuid,
    cipher: cipherOf(header),
    hash,
    payload,
    keyBytes,
    headerBytes: headerAndSlots(header),
    digest: {
      iterations: digest.iterations,
      salt: digest.salt.toString('base64'),
      digest: digest.digest.toString('base64'),
    },
    slots: slots.flatMap(({ enabled, iterations, salt, material }, slot) =>
      enabled ? [{ slot, iterations, salt: salt.toString('base64'), material, stripes: STRIPES }] : [],
    ),
  };
}
