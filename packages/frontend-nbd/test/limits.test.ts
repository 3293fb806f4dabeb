import { VirtualClock } from '@interposer/conformance';
import { encodeInfoRequest, NbdCommand, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { serve, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const wanted = encodeInfoRequest({ name: '', types: [] });

describe('connections of an export', () => {
  it('one too many is told so, and there is room again when another has gone', async () => {
    const fixture = await serve({ exported: { maxConnections: 1 } });
    const first = await fixture.client();
    const second = fixture.connect();
    await second.greet();
    expect((await second.option(NbdOption.Info, wanted)).at(-1)!.type).toBe(OptionReply.Ack);
    expect((await second.option(NbdOption.List)).length).toBe(2);
    expect((await second.option(NbdOption.Go, wanted)).at(-1)!.type).toBe(OptionReply.ErrPolicy);
    first.close();
    await until(() => fixture.server.exports[0]!.connections === 0);
    expect((await second.option(NbdOption.Go, wanted)).at(-1)!.type).toBe(OptionReply.Ack);
  });

  it.each([0, -1, NaN])('%d is no limit', async (maxConnections) => {
    const { server, port } = await serve();
    expect(() => server.addExport({ name: 'x', port, maxConnections })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });
});

describe('requests in flight', () => {
  it('are no more than the limit, and all are answered', async () => {
    const fixture = await serve({ maxRequests: 3 });
    const client = await fixture.client();
    fixture.disk!.hold();
    for (let i = 0; i < 10; i++) client.send(RawClient.frame(NbdCommand.Read, 0, 512));
    await until(() => fixture.disk!.held.length === 3);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.disk!.held.length).toBe(3);
    fixture.disk!.release();
    expect((await client.read(10 * (16 + 512))).length).toBe(5280);
  });
});

describe('idle clients', () => {
  it('are cut off when nothing happens, and not before', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ clock, idleTimeout: 1000 });
    const client = await fixture.client();
    clock.advance(900);
    expect((await client.readAt(0, 512)).length).toBe(512);
    clock.advance(999);
    expect((await client.readAt(0, 512)).length).toBe(512);
    clock.advance(1200);
    await client.closed;
    await until(() => fixture.events.at(-1)!.kind === 'closed');
    expect(fixture.events.at(-1)).toMatchObject({ message: 'it was idle for too long' });
    expect(clock.pending).toBe(0);
  });

  it('are not those that wait for the device', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ clock, idleTimeout: 1000 });
    const client = await fixture.client();
    fixture.disk!.hold();
    const read = client.readAt(0, 512);
    await until(() => fixture.disk!.held.length === 1);
    clock.advance(10_000);
    fixture.disk!.release();
    expect((await read).length).toBe(512);
    clock.advance(999);
    expect((await client.readAt(0, 512)).length).toBe(512);
  });

  it('may be idle for ever by default', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ clock });
    const client = await fixture.client();
    clock.advance(1e9);
    expect((await client.readAt(0, 512)).length).toBe(512);
  });
});
