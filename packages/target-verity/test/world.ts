import { chaosDriver, type ChaosDisk, type ChaosOptions } from '@interposer/conformance';
import { createEngine, type Engine, type PluginType, type Port } from '@interposer/core';
import { layOutTree, type VerityParams } from '@interposer/format-verity';
import { later } from '../../../tools/temporary.ts';
import { type Emergency, verityFilterType, verityTarget } from '../src/index.ts';
import { format, noise, paramsOf } from './images.ts';

/** Data, its tree, and parity of it, on disks that misbehave when they are told to. */
export class World {
  readonly params: VerityParams;
  readonly data: ChaosDisk;
  readonly hash: ChaosDisk;
  readonly parity: ChaosDisk;
  readonly root: string;
  readonly engine: Engine;
  readonly log: string[] = [];
  readonly emergencies: Emergency[] = [];
  /** Contracts that were broken. */
  readonly faults: string[] = [];
  /** What is on the data disk while nothing is wrong. */
  readonly good: Buffer;

  private constructor(
    params: VerityParams,
    chaos: Partial<ChaosOptions>,
    root: string,
    bytes: Buffer,
    tree: Buffer,
    further: readonly PluginType[],
  ) {
    this.params = params;
    this.root = root;
    this.good = bytes;
    const driver = chaosDriver();
    this.data = driver.add('data', { ...chaos, sectors: bytes.length / 512 });
    this.hash = driver.add('hash', { ...chaos, sectors: tree.length / 512 });
    this.parity = driver.add('parity', { ...chaos, sectors: 256 });
    this.data.data.set(bytes);
    this.hash.data.set(tree);
    const onEmergency = (action: Emergency): void => void this.emergencies.push(action);
    this.engine = createEngine({
      types: [driver, verityTarget({ onEmergency }), verityFilterType({ onEmergency }), ...further],
    });
    this.engine.onEvent((event) => {
      if (event.kind === 'log') this.log.push(event.message);
      if (event.kind === 'fault') this.faults.push(event.message);
    });
    later(() => this.engine.close());
  }

  static async make(
    given: Partial<VerityParams> = {},
    chaos: Partial<ChaosOptions> = {},
    further: readonly PluginType[] = [],
  ): Promise<World> {
    const params = paramsOf(512, 300, 1, given);
    const bytes = noise(1, params.dataBlocks * params.dataBlockSize);
    const tree = Buffer.alloc(layOutTree(params, 1).end * params.hashBlockSize);
    const root = await format(bytes, tree, params, true);
    return new World(params, chaos, root, bytes, tree, further);
  }

  /** The words of a table line behind the devices. */
  words(options = ''): string {
    const { params, root } = this;
    const { dataBlockSize, hashBlockSize, dataBlocks, algorithm, salt } = params;
    const counted = options === '' ? '' : `${String(options.split(' ').length)} ${options}`;
    const words = [
      dataBlockSize,
      hashBlockSize,
      dataBlocks,
      1,
      algorithm.name,
      root,
      salt.length === 0 ? '-' : Buffer.from(salt).toString('hex'),
    ];
    return `${words.join(' ')} ${counted}`.trim();
  }

  /** Makes the device, and opens it. */
  async open(options = ''): Promise<Port> {
    const sectors = String(this.good.length / 512);
    await this.engine.create('x', {
      table: `0 ${sectors} verity ${String(this.params.hashType)} chaos:data chaos:hash ${this.words(options)}`,
      readOnly: true,
    });
    const port = await this.engine.open('x', { mode: 'read' });
    later(() => {
      port.close();
    });
    return port;
  }

  /** Closes the device. */
  async remove(port: Port): Promise<void> {
    port.close();
    await this.engine.remove('x');
  }

  async status(): Promise<string> {
    const [row] = await this.engine.status('x');
    return row!.params;
  }
}

/** What becomes of a request: `ok`, or the code of its failure. */
export async function outcome(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
