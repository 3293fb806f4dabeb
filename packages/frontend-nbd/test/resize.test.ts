import {
  decodeExportInfo,
  encodeInfoRequest,
  NbdCommand,
  NbdError,
  NbdOption,
} from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { pattern, serve, until } from './fixture.ts';
import type { RawClient } from './raw-client.ts';

const MIB = 2 ** 20;

async function told(client: RawClient): Promise<unknown[]> {
  await client.greet();
  const answers = await client.option(NbdOption.Info, encodeInfoRequest({ name: '', types: [3] }));
  return answers.slice(0, -1).map(({ data }) => decodeExportInfo(data));
}

describe('a device whose table is replaced', () => {
  it('by a larger one: who is connected can use all of it, and who comes is told', async () => {
    const fixture = await serve({ mapped: 2048, disk: { sectors: 8192 } });
    const old = await fixture.checked('extended', ['base:allocation']);
    expect((await old.get(MIB, 512)).error).toBe(NbdError.Inval);
    await fixture.reload(4096);
    expect((await old.get(MIB, MIB)).error).toBe(0);
    expect((await old.put(2 * MIB - 512, pattern(512))).error).toBe(0);
    expect((await old.status(0, 2 * MIB)).error).toBe(0);
    expect((await old.get(2 * MIB, 512)).error).toBe(NbdError.Inval);
    expect(await told(fixture.connect())).toMatchObject([{ size: 2 * MIB }, {}]);
  });

  it('by a smaller one: what is gone is refused, and who comes is told', async () => {
    const fixture = await serve({ mapped: 4096, disk: { sectors: 8192 } });
    const old = await fixture.checked('structured', ['base:allocation']);
    expect((await old.get(MIB, 512)).error).toBe(0);
    await fixture.reload(2048);
    expect(await old.get(MIB - 512, 1024)).toMatchObject({ error: NbdError.Inval, errorOffset: MIB });
    expect((await old.put(MIB, pattern(512))).error).toBe(NbdError.NoSpc);
    expect((await old.ask({ command: NbdCommand.Trim, offset: MIB, length: 512 })).error).toBe(
      NbdError.Inval,
    );
    expect((await old.status(0, MIB + 1)).error).toBe(NbdError.Inval);
    expect((await old.get(0, MIB)).error).toBe(0);
    expect(await told(fixture.connect())).toMatchObject([{ size: MIB }, {}]);
  });

  it('under load: every request is answered, with data or with an error', async () => {
    const fixture = await serve({ mapped: 4096, disk: { sectors: 8192, delay: 2 } });
    const client = await fixture.checked('structured', ['base:allocation']);
    const answers: Promise<{ error: number }>[] = [];
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 20; i++) {
        const offset = i * 100_000;
        answers.push(
          client.get(offset, 50_000),
          client.put(offset + 3, pattern(30_000)),
          client.status(offset, 10_000),
        );
      }
      await fixture.reload(round % 2 === 0 ? 2048 : 4096);
    }
    for (const { error } of await Promise.all(answers)) {
      expect([0, NbdError.Inval, NbdError.NoSpc, NbdError.Io]).toContain(error);
    }
  });

  it('by one of larger blocks, in the middle of a write that suits neither: it is written where it belongs', async () => {
    const fixture = await serve({ mapped: 2048 });
    fixture.chaos.add('coarse', { sectors: 2048, limits: { logicalBlock: 4096, physicalBlock: 4096 } });
    const client = await fixture.checked('structured');
    const data = pattern(5000);
    const frame = client.frame({ command: NbdCommand.Write, offset: 700, length: data.length, data }, 77);
    client.send(frame.subarray(0, 2000));
    const witness = await fixture.client();
    await witness.readAt(0, 512);
    await fixture.reload(2048, 'coarse');
    client.send(frame.subarray(2000));
    expect((await client.read(16)).readUInt32BE(4)).toBe(0);
    const expected = Buffer.alloc(8192);
    data.copy(expected, 700);
    expect((await witness.readAt(0, 8192)).equals(expected)).toBe(true);
  });

  it('strict block sizes are those of the device that is there', async () => {
    const fixture = await serve({ mapped: 2048, exported: { blockSizes: { strict: true } } });
    fixture.chaos.add('coarse', { sectors: 2048, limits: { logicalBlock: 4096, physicalBlock: 4096 } });
    const client = await fixture.checked('structured');
    expect((await client.get(1, 1)).error).toBe(0);
    await fixture.reload(2048, 'coarse');
    expect((await client.get(1, 1)).error).toBe(NbdError.Inval);
    expect((await client.get(512, 512)).error).toBe(NbdError.Inval);
    expect((await client.get(4096, 4096)).error).toBe(0);
    expect(await told(fixture.connect())).toMatchObject([{}, { minimum: 4096 }]);
    await fixture.reload(2048);
    expect((await client.get(1, 1)).error).toBe(0);
    expect(await told(fixture.connect())).toMatchObject([{}, { minimum: 1 }]);
  });

  it('while a device holds requests: they are ended before the size changes', async () => {
    const fixture = await serve({ mapped: 4096, disk: { sectors: 8192 } });
    const client = await fixture.checked('extended');
    fixture.disk!.hold();
    const read = client.get(MIB, MIB);
    await until(() => fixture.disk!.held.length === 1);
    const reloaded = fixture.reload(2048);
    fixture.disk!.release();
    expect((await read).error).toBe(0);
    await reloaded;
    expect((await client.get(MIB, MIB)).error).toBe(NbdError.Inval);
  });
});
