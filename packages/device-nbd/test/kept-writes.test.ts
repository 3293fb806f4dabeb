import { Random } from '@interposer/conformance';
import { CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { ByteRanges } from '../src/byte-ranges.ts';
import { CoveredRanges } from '../src/covered-ranges.ts';
import { Request } from '../src/request.ts';
import { UnflushedWrites } from '../src/unflushed-writes.ts';

const SECTORS = 4096;

describe('sets of ranges', () => {
  it('agree with lists of flags', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const bytes = new ByteRanges();
      const covered = new CoveredRanges();
      const [model, marks] = [new Uint8Array(200), new Uint8Array(200)];
      for (let i = 0; i < 60; i++) {
        const start = random.below(199);
        const end = random.between(start + 1, Math.min(200, start + random.pick([1, 5, 60])));
        const isFree = model.subarray(start, end).every((one) => one === 0);
        if (isFree || random.chance(0.1)) {
          if (bytes.add(start, end) !== isFree) expect.fail(`seed ${seed}: ${start} to ${end}`);
          if (isFree) model.fill(1, start, end);
        }
        const fresh = new Uint8Array(200);
        for (const [from, to] of covered.take(start, end)) fresh.fill(1, from, to);
        for (let at = 0; at < 200; at++) {
          const isNew = at >= start && at < end && marks[at] === 0;
          if (fresh[at] !== Number(isNew)) expect.fail(`seed ${seed}: ${start} to ${end} at ${at}`);
        }
        marks.fill(1, start, end);
      }
    }
  });
});

describe('writes that no flush covered', () => {
  it('bring a server that lost them to what was answered', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const kept = new UnflushedWrites();
      const request = new Request(0);
      // Undefined: it may be anything.
      const answered: (number | undefined)[] = new Array<number>(SECTORS).fill(0);
      let stable = [...answered];
      let flush: { mark: number; state: (number | undefined)[] } | null = null;
      for (let i = 1; i < 150; i++) {
        request.command = random.pick([
          NbdCommand.Write,
          NbdCommand.Write,
          NbdCommand.WriteZeroes,
          NbdCommand.Trim,
        ]);
        request.flags = request.command === NbdCommand.Write && random.chance(0.2) ? CommandFlag.Fua : 0;
        request.sector = random.below(SECTORS - 1);
        request.count = Math.min(SECTORS - request.sector, random.pick([1, 8, 100, 3000]));
        request.buffer = Buffer.alloc(request.count * 512, i);
        const end = request.sector + request.count;
        const value = { [NbdCommand.Write]: i, [NbdCommand.WriteZeroes]: 0 }[request.command];
        answered.fill(value, request.sector, end);
        if (request.flags !== 0) {
          stable.fill(value, request.sector, end);
          flush?.state.fill(value, request.sector, end);
        }
        kept.keep(request);
        if (random.chance(0.05)) flush = { mark: kept.mark, state: [...answered] };
        if (flush !== null && random.chance(0.2)) {
          kept.cover(flush.mark);
          stable = flush.state;
          flush = null;
        }
        if (kept.isCrowded) break;
      }
      expect(kept.isComplete).toBe(true);
      const image = [...stable];
      for (const write of kept.toRepeat()) {
        for (let at = 0; at < write.count; at++) {
          const byte = write.buffer[write.bufferOffset + at * 512];
          image[write.sector + at] = write.command === NbdCommand.Write ? byte : 0;
        }
      }
      for (const [sector, value] of answered.entries()) {
        if (value !== undefined && image[sector] !== value % 256) {
          expect.fail(`seed ${seed}: sector ${sector} is ${String(image[sector])}, not ${value}`);
        }
      }
    }
  });
});
