import { MapResult, type Port, type Target, type TargetType } from '../../src/index.ts';
import { spanType } from './plugins.ts';
import type { Rig } from './rig.ts';

/** A target type that notes the bios it maps, and of which a test can replace parts. */
export class Probe {
  /** The bios its targets saw, with the number of the copy: `flush 0+0#1`. */
  readonly seen: string[] = [];
  #parts: Partial<Target> = {};
  readonly type: TargetType = {
    ...spanType('probe', (port, { begin }) => ({
      map: (bio) => {
        this.seen.push(`${bio.toString()}#${String(bio.copy)}`);
        bio.port = port;
        bio.sector -= begin;
        return MapResult.Remapped;
      },
      ...this.#parts,
    })),
    features: {},
  };

  /** The mapped device `m` with such targets in its table, opened. */
  async device(rig: Rig, table: string, parts: Partial<Target> = {}): Promise<Port> {
    this.#parts = parts;
    await rig.engine.create('m', { table });
    return rig.open('m');
  }
}
