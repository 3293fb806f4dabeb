import { renameSync, unlinkSync } from 'node:fs';
import { VirtualClock } from '@interposer/conformance';
import { createEngine, type EngineEvent } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { file } from '../src/index.ts';
import { Workshop } from './tools.ts';

let workshop: Workshop;

beforeEach(() => (workshop = new Workshop()));
afterEach(() => workshop.close());

describe('a file that is deleted while it is open', () => {
  it('is a device that is gone; one that moves is not', async () => {
    const clock = new VirtualClock();
    const engine = createEngine({ types: [file], clock });
    const events: EngineEvent[] = [];
    engine.onEvent((event) => events.push(event));
    const path = workshop.image(4096);
    const port = await engine.open(path);
    renameSync(path, `${path}.moved`);
    clock.advance(1000);
    // The look takes a moment, and then the next one is set.
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    await port.write(0, Buffer.alloc(512));
    expect(events).toEqual([]);
    unlinkSync(`${path}.moved`);
    clock.advance(1000);
    await vi.waitFor(() =>
      expect(events).toEqual([{ kind: 'lost', device: path, message: 'the file was deleted' }]),
    );
    await expect(port.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'ENODEV' });
    port.close();
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it('is not looked at any more when it is closed', async () => {
    const clock = new VirtualClock();
    const engine = createEngine({ types: [file], clock });
    const port = await engine.open(workshop.image(4096));
    clock.advance(1000);
    port.close();
    await engine.close();
    expect(clock.pending).toBe(0);
  });
});
