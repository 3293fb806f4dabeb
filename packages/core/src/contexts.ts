/** A run of sectors, and what a metadata context says of it. */
export interface ContextExtent {
  readonly sector: number;
  readonly count: number;
  /** 32 bits, whose meaning is the context's own. */
  readonly flags: number;
}

/** Facts about ranges of a device that a filter publishes beside the data, for frontends: a metadata context of NBD. */
export interface MetadataContext {
  /** With its namespace, e.g. `qemu:dirty-bitmap:backup`. */
  readonly name: string;
  /** The runs of a range, in order, without gaps or overlaps, all inside it. Neighbours differ in their flags. */
  extents(sector: number, count: number): Promise<ContextExtent[]>;
}
