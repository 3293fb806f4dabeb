import { CONTENT_FAULTS } from './content-faults.ts';
import { type Fault, faultsIn } from './fault.ts';

/** Each of them must make a difference to some vector of its group. */
export const FAULTS: readonly Fault[] = [
  ...faultsIn('mixed', 'core', [
    [
      'flushes one target only',
      'flush-plan',
      ': rows.flatMap(copiesOf);',
      ': rows.slice(0, 1).flatMap(copiesOf);',
    ],
  ]),
  ...faultsIn('mixed', 'target-linear', [
    ['forgets where its row begins', 'linear', 'this.#shift = offset - begin;', 'this.#shift = offset;'],
  ]),
  ...faultsIn('linear', 'target-linear', [
    ['shows another offset', 'linear', '${String(this.#offset)}`', '${String(this.#offset + 1)}`'],
    [
      'takes a line without an offset',
      'linear',
      "      kind: 'sector',\n",
      "      kind: 'sector',\n      optional: true,\n",
    ],
  ]),
  ...faultsIn('striped', 'core', [
    [
      'flushes one device less',
      'flush-plan',
      'ports.map((port) => ({ port }))',
      'ports.slice(1).map((port) => ({ port }))',
    ],
  ]),
  ...faultsIn('striped', 'target-striped', [
    [
      'begins with the second stripe',
      'layout',
      'return chunk - Math.floor(chunk / this.stripes) * this.stripes;',
      'return (chunk + 1) - Math.floor((chunk + 1) / this.stripes) * this.stripes;',
    ],
    [
      'leaves a chunk between chunks',
      'layout',
      'return sector - (chunk - Math.floor(chunk / this.stripes)) * this.chunk;',
      'return sector - (chunk - 2 * Math.floor(chunk / this.stripes)) * this.chunk;',
    ],
    ['lets requests cross a chunk', 'striped', 'this.maxIo = chunk;', 'this.maxIo = chunk * 2;'],
    [
      'shows no stripe in its state',
      'striped',
      "return [this.#layout.stripes, ...this.#ports.map(({ device }) => device.number), 1, health].join(' ');",
      "return [this.#layout.stripes, 1, health].join(' ');",
    ],
  ]),
  ...faultsIn('zero', 'target-zero', [
    [
      'fails writes',
      'zero',
      'bio.complete(Status.Ok);',
      'bio.complete(bio.op === BioOp.Write ? Status.Io : Status.Ok);',
    ],
    ['takes arguments', 'zero', 'params: [],', "params: [{ name: 'any', kind: 'rest', about: '' }],"],
  ]),
  ...faultsIn('delay', 'target-delay', [
    [
      'sends writes where reads go',
      'delay',
      'this.#legOf = [reads!, writes, flushes];',
      'this.#legOf = [reads!, reads!, flushes];',
    ],
    [
      'sends flushes where reads go',
      'delay',
      'this.#legOf = [reads!, writes, flushes];',
      'this.#legOf = [reads!, writes, reads!];',
    ],
    [
      'shows the last delay first',
      'delay',
      '    return this.#legs\n      .map',
      '    return [...this.#legs].reverse()\n      .map',
    ],
  ]),
  ...faultsIn('flakey', 'target-flakey', [
    [
      'changes the byte behind',
      'corruption',
      'buffer[bufferOffset + byte - 1] = value;',
      'buffer[bufferOffset + byte] = value;',
    ],
    [
      'changes reads where writes are to be',
      'corruption',
      "return op === BioOp.Read ? 'r' : 'w';",
      "return op === BioOp.Read ? 'w' : 'r';",
    ],
    [
      'fails writes that it is to drop',
      'flakey',
      'if (dropWrites) {',
      'if (dropWrites) {\n      return MapResult.Kill;',
    ],
    ['is up when it is down', 'flakey', '>= this.#up;', '< this.#up;'],
    [
      'counts features',
      'features',
      "return [words.length, ...words].join(' ');",
      "return [1, ...words].join(' ');",
    ],
    [
      'takes intervals of nothing',
      'flakey',
      'if ((up + down) % NUMBERS === 0)',
      'if ((up + down) % NUMBERS === 1)',
    ],
  ]),
  ...faultsIn('mirror', 'target-mirror', [
    ['counts a leg less', 'arguments', 'if (!(count >= 2 &&', 'if (!(count >= 3 &&'],
    [
      'copies although it is told not to',
      'log-core',
      "if (sync !== 'nosync') return;",
      "if (sync === 'nosync') return;",
    ],
    [
      'keeps the log without handling errors',
      'arguments',
      'if (keepLog && !handleErrors) {',
      'if (keepLog && handleErrors) {',
    ],
    [
      'counts the features wrong',
      'mirror',
      '[features.length, ...features]',
      '[features.length + 1, ...features]',
    ],
  ]),
  ...faultsIn('snapshot', 'target-snapshot', [
    [
      'has its number at another place',
      'store-format',
      'bytes.writeUInt32LE(chunkSectors, 12);',
      'bytes.writeUInt32LE(chunkSectors, 16);',
    ],
    [
      'writes numbers with the high half first',
      'store-format',
      'bytes.writeUInt32LE(number % HIGH, offset);',
      'bytes.writeUInt32BE(number % HIGH, offset);',
    ],
    [
      'has one area too many',
      'persistent-store',
      'metadata: (this.#areaIndex + 2)',
      'metadata: (this.#areaIndex + 3)',
    ],
    [
      'begins with the data a chunk later',
      'persistent-store',
      'const FIRST_DATA = 2;',
      'const FIRST_DATA = 3;',
    ],
    ['copies nothing out', 'origin', 'this.#members.length === 0 ||', 'this.#members.length >= 0 ||'],
    ['leaves out the O', 'snapshot-base', "letter === 'P' ? 'O' : ''", "letter === 'Q' ? 'O' : ''"],
  ]),
  ...faultsIn('written', 'core', [
    [
      'lets a request go a sector beyond its row',
      'row',
      'count <= this.end - sector &&',
      'count <= this.end - sector + 1 &&',
    ],
  ]),
  ...faultsIn('written', 'target-linear', [
    ['takes a device that is too small', 'linear', 'count: this.#sectors }', 'count: 1 }'],
  ]),
  ...faultsIn('written', 'target-striped', [
    [
      'takes a row that is no whole number of chunks',
      'layout',
      'if (share % chunk !== 0) {',
      'if (share % chunk !== 0 && chunk === 0) {',
    ],
  ]),
  ...faultsIn('written', 'target-mirror', [
    [
      'takes any region size',
      'arguments',
      'const isPower = Number.isInteger(Math.log2(size));',
      'const isPower = size > 0;',
    ],
  ]),
  ...faultsIn('written', 'target-snapshot', [
    [
      'shows no overflow',
      'snapshot-base',
      "if (exceptions.overflowed) return 'Overflow';",
      "if (exceptions.overflowed) return '';",
    ],
  ]),
  ...CONTENT_FAULTS,
];
