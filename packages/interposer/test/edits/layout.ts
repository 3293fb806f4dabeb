import type { Random } from '@interposer/conformance';

/** Rows begin at multiples of so many sectors. */
const GRAIN = 64;

/** A run of sectors of a device. */
export interface Part {
  readonly device: string;
  readonly offset: number;
  readonly sectors: number;
}

/** A device that edits go for; mapped ones with how a table of theirs is made that leaves each sector in its place. */
export interface EditedDevice {
  readonly name: string;
  readonly sectors: number;
  readonly table?: (random?: Random) => string;
}

/** The devices that are edited, and how they belong together. */
export interface Layout {
  readonly devices: readonly EditedDevice[];
  /** What the table of `disk` leads to: two halves of one size. */
  readonly parts: readonly [Part, Part];
  /** Mapped devices that may stand in for another one. */
  readonly standIns: readonly { readonly mapped: string; readonly device: string }[];
}

/**
 * A disk of two halves, one on each of two leaf devices, with what may stand in for the disk or for a leaf: mapped devices
 * over that same device, one of them with further devices between, one with its halves changed over, one that roams.
 */
export function makeLayout(lower: string, upper: string, half: number): Layout {
  const parts = [
    { device: lower, offset: 0, sectors: half },
    { device: upper, offset: 0, sectors: half },
  ] as const;
  const disk = [{ device: 'disk', offset: 0, sectors: 2 * half }];
  const identity = (
    name: string,
    sectors: number,
    of: readonly Part[],
    claim: '' | 'noexcl',
  ): EditedDevice => ({
    name,
    sectors,
    table: (random) => identityRows(of, claim, random),
  });
  const turned = [
    { device: 'disk', offset: 0, sectors: half },
    { device: 'disk', offset: half, sectors: half },
  ] as const;
  return {
    devices: [
      { name: lower, sectors: half },
      { name: upper, sectors: half },
      identity('left', half, [parts[0]], ''),
      {
        name: 'disk',
        sectors: 2 * half,
        table: (random) =>
          identityRows(
            random?.chance(0.5) === true ? [{ ...parts[0], device: 'left' }, parts[1]] : parts,
            '',
            random,
          ),
      },
      identity('over', 2 * half, disk, 'noexcl'),
      identity('thin', 2 * half, disk, 'noexcl'),
      identity('slow', 2 * half, [{ device: 'thin', offset: 0, sectors: 2 * half }], ''),
      { name: 'turn', sectors: 2 * half, table: () => turnedRows(turned, 'noexcl') },
      identity('under', half, [parts[0]], 'noexcl'),
      identity('beside', half, [parts[1]], 'noexcl'),
      { name: 'spare', sectors: half },
    ],
    parts,
    standIns: [
      { mapped: 'over', device: 'disk' },
      { mapped: 'slow', device: 'disk' },
      { mapped: 'under', device: lower },
      { mapped: 'beside', device: upper },
    ],
  };
}

/** A table that leads to the parts one behind the other, cut into rows of any type at random. */
export function identityRows(parts: readonly Part[], claim: '' | 'noexcl', random?: Random): string {
  const rows: string[] = [];
  let start = 0;
  for (const { device, offset, sectors } of parts) {
    for (let at = 0; at < sectors;) {
      const left = (sectors - at) / GRAIN;
      const length = random === undefined || random.chance(0.4) ? left : random.between(1, left);
      rows.push(row(start, length * GRAIN, device, offset + at, claim, random));
      at += length * GRAIN;
      start += length * GRAIN;
    }
  }
  return rows.join('\n');
}

/** A table that leads to the halves in the other order. */
export function turnedRows([first, second]: readonly [Part, Part], claim: '' | 'noexcl'): string {
  return identityRows([second, first], claim);
}

function row(
  start: number,
  length: number,
  device: string,
  offset: number,
  claim: string,
  random?: Random,
): string {
  const place = `${String(start)} ${String(length)}`;
  const below = `${device} ${String(offset)}`;
  // Only linear devices enter beside other claims.
  const kind = claim === '' && random !== undefined ? random.below(4) : 0;
  if (kind === 1) return `${place} delay ${below} ${String(random!.below(3))}`;
  if (kind === 2) return `${place} striped 1 ${String(GRAIN)} ${below}`;
  return `${place} linear ${below} ${claim}`.trimEnd();
}
