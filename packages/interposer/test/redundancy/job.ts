/** What a program that will be killed is to do. */
export interface Job {
  readonly seed: number;
  /** The number of its first write. */
  readonly firstNumber: number;
  /** How many times as fast as the time of the machine that of its engine goes. */
  readonly haste: number;
  /** Sectors of each device. */
  readonly sectors: number;
  /** A disk that is slower than others, so that they are far ahead of it: its image, and milliseconds of the engine's time. */
  readonly slow?: { readonly path: string; readonly delay: number };
  /** Devices that are made before anything is written to them, in this order: their names and tables. */
  readonly devices: readonly (readonly [name: string, table: string])[];
  /** Devices that are made while others are written to. */
  readonly laterDevices: readonly (readonly [name: string, table: string])[];
  /** The devices that are written to, by so many writers together. */
  readonly targets: readonly string[];
  readonly writers: number;
  /** After so many writes all writers rest for some milliseconds. */
  readonly burst?: number;
  /** A device that is suspended and resumed every few milliseconds. */
  readonly pulse?: string;
  /** After so many writes a device gets another table, while others are suspended, and is the only target from then on. */
  readonly turn?: {
    readonly after: number;
    readonly device: string;
    readonly table: string;
    readonly suspended: string;
  };
  /** A device whose merge it tells the end of. */
  readonly merge?: string;
}

/**
 * What it tells, a line each: `making DEVICE`, `made DEVICE`, `sent DEVICE SECTOR COUNT NUMBER` before it writes, the same with
 * `done` when that is acknowledged or `failed` when it is not, `flushed DEVICE`, `turning`, `turned`, `merged`.
 */
export type Word =
  'making' | 'made' | 'sent' | 'done' | 'failed' | 'flushed' | 'turning' | 'turned' | 'merged';

/** A line that it told. */
export interface Told {
  readonly word: Word;
  /** Empty where there is none. */
  readonly device: string;
  readonly sector: number;
  readonly count: number;
  readonly number: number;
}

/** A line in its parts. */
export function parseTold(line: string): Told {
  const [word, device = '', sector, count, number] = line.split(' ');
  return {
    word: word as Word,
    device,
    sector: Number(sector),
    count: Number(count),
    number: Number(number),
  };
}

/** The number behind those that were told of. */
export function nextNumber(told: readonly Told[], first: number): number {
  return told.reduce(
    (next, { word, number }) => (word === 'sent' ? Math.max(next, number + 1) : next),
    first,
  );
}
