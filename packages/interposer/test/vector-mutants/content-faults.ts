import { type Fault, faultsIn } from './fault.ts';

const CRYPT: readonly Fault[] = [
  ...faultsIn('crypt', 'block-cipher', [
    [
      'has the IVs of plain64be with the low byte first',
      'ivs',
      'ivs[end - 1] = swapped(low);',
      'ivs[end - 1] = low;',
    ],
    ['forgets the upper half of an IV', 'ivs', '  ivs[at + 1] = high;', '  ivs[at + 1] = 0;'],
    [
      'counts IVs in sectors of 512 bytes where they are large',
      'options',
      'ivLargeSectors ? [ratio, 1]',
      'ivLargeSectors ? [1, ratio]',
    ],
  ]),
  ...faultsIn('crypt', 'target-crypt', [
    [
      'forgets where its row begins',
      'crypt-path',
      'bytes, bio.sector - this.#begin);',
      'bytes, bio.sector);',
    ],
    ['shows its key', 'volume-key', 'if (!showKeys) return', 'if (showKeys) return'],
    [
      'takes keys while it is in use',
      'crypt',
      'if (!this.#isSuspended) throw',
      'if (this.#sectors === 0) throw',
    ],
    [
      'goes on without a key',
      'crypt',
      "if (!this.#hasKey) throw fail('EAGAIN'",
      "if (this.#sectors === 0) throw fail('EAGAIN'",
    ],
    ['lets discards pass', 'options', "allowDiscards: flags.has('allow_discards')", 'allowDiscards: true'],
    [
      'serves parts of its sectors',
      'crypt',
      'logicalBlock: Math.max(stacked.logicalBlock, sectorSize)',
      'logicalBlock: stacked.logicalBlock',
    ],
    [
      'counts options it does not show',
      'options',
      '[String(shown.length), ...shown]',
      '[String(shown.length + 1), ...shown]',
    ],
  ]),
];

const VERITY: readonly Fault[] = [
  ...faultsIn('verity', 'format-verity', [
    ['looks for the tree from the bottom up', 'tree', 'of [...sizes].reverse()', 'of [...sizes]'],
    [
      'packs digests that are to be padded',
      'tree',
      'hashType === 1 ? hashBlockSize / perBlock',
      'hashType === 0 ? hashBlockSize / perBlock',
    ],
  ]),
  ...faultsIn('verity', 'target-verity', [
    ['shows nothing of damage', 'damage', 'this.seen = true;', 'this.seen = false;'],
    [
      'fails although it is to ignore corruption',
      'damage',
      "if (this.#onCorruption === 'ignore_corruption') return true;",
      "if (this.#onCorruption === 'ignore_corruption') return false;",
    ],
    ['passes what is corrupted', 'damage', '    return false;\n', '    return true;\n'],
    ['forgets an option', 'options', "...(options.ignoreZeroBlocks ? ['ignore_zero_blocks'] : []),", ''],
    ['takes too many roots of parity', 'options', 'const MAX_ROOTS = 24;', 'const MAX_ROOTS = 25;'],
    ['can be written', 'type', '!context.readOnly && !isFilter', 'context.readOnly && isFilter'],
    [
      'takes a tree beyond its device',
      'table-args',
      '> hash.limits.sectors)',
      '> 2 * hash.limits.sectors + 2 ** 30)',
    ],
    ['shows no salt', 'table-args', "salt.length === 0 ? '-'", "salt.length > 0 ? '-'"],
  ]),
];

const LOG_WRITES: readonly Fault[] = faultsIn('log-writes', 'target-log-writes', [
  ['logs a discard as a write', 'log-writes', 'record.flags = LogFlag.Discard;', 'record.flags = 0;'],
  [
    'logs sectors of its row',
    'log-writes',
    'record.sector = sector;',
    'record.sector = sector - this.#begin;',
  ],
  ['logs flushes before what they cover', 'log-writes', 'record.covered.takeAll(this.#unflushed);', ''],
  ['has another end', 'log-writes', "'dm-log-writes-end'", "'dm-log-writes-END'"],
  ['takes a mark of two words', 'log-writes', 'if (words.length !== 2)', 'if (words.length < 2)'],
  ['shows the sector behind the log', 'log-writer', 'String(this.#next - 1)', 'String(this.#next)'],
  [
    'leaves a block free between entries',
    'log-writer',
    'this.#next += this.#block + (',
    'this.#next += 2 * this.#block + (',
  ],
]);

const DUST: readonly Fault[] = faultsIn('dust', 'target-dust', [
  [
    'counts blocks from its row',
    'dust',
    'Math.floor(below / this.maxIo)',
    'Math.floor((below - this.#offset) / this.maxIo)',
  ],
  [
    'stays bad when it is written',
    'dust',
    'if (this.#blocks.remove(block) &&',
    'if (this.#blocks.has(block) &&',
  ],
  [
    'is bad before it is told to',
    'dust',
    '{ enabled: false, quiet: false }',
    '{ enabled: true, quiet: false }',
  ],
  [
    'fails one write only',
    'bad-blocks',
    'this.#failures.set(block, failures - 1);',
    'this.#failures.set(block, 0);',
  ],
  ['takes one block more', 'dust-messages', 'if (block > last)', 'if (block > last + 1)'],
  ['lists blocks as they came', 'bad-blocks', '.sort((a, b) => a - b)', ''],
  ['takes a bad block twice', 'bad-blocks', 'if (this.#failures.has(block)) return false;', ''],
]);

/** Faults of types that cipher, check, log or spoil what passes. */
export const CONTENT_FAULTS: readonly Fault[] = [...CRYPT, ...VERITY, ...LOG_WRITES, ...DUST];
