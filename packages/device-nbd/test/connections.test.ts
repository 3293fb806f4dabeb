import { NbdCommand, NbdOption, TransmissionFlag } from '@interposer/nbd-protocol';
import { createEngine } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { nbd } from '../src/index.ts';
import { ALL_FLAGS } from './fake-server.ts';
import { cleanUp, open, passTime, start } from './opened.ts';

afterEach(cleanUp);

const flags = ALL_FLAGS | TransmissionFlag.CanMultiConn;

describe('several connections', () => {
  it('share the requests; the least loaded gets the next', async () => {
    const { server, port } = await open({ flags }, 'write', '&connections=3');
    expect(server.links).toHaveLength(3);
    const reads = Array.from({ length: 9 }, (_, i) => port.read(i, 1));
    const arrived = await server.take(9);
    const links = arrived.map(({ link }) => link);
    expect([0, 1, 2].map((link) => links.filter((one) => one === link).length)).toEqual([3, 3, 3]);
    const idle = arrived.filter(({ link }) => link === 1);
    const answer = (request: (typeof arrived)[0]): void =>
      server.reply(request, 0, Buffer.alloc(512, request.offset / 512));
    for (const request of idle) answer(request);
    await Promise.all(idle.map(({ offset }) => reads[offset / 512]!));
    const next = port.read(9, 1);
    const [tenth] = await server.take(1);
    expect(tenth!.link).toBe(1);
    for (const request of [...arrived.filter(({ link }) => link !== 1), tenth!]) answer(request);
    for (const [i, read] of [...reads, next].entries()) expect((await read)[0]).toBe(i);
  });

  it('an answer over another connection is not believed', async () => {
    const { server, port } = await open({ flags }, 'write', '&connections=2');
    const write = port.write(0, Buffer.alloc(512));
    const [request] = await server.take(1);
    server.reply({ ...request!, link: 1 - request!.link });
    await expect(write).rejects.toMatchObject({ code: 'EIO' });
  });

  it('one that breaks takes the others with it, and all come back', async () => {
    const { server, port, clock } = await open({ flags }, 'write', '&connections=2&reconnect=10');
    const write = port.write(0, Buffer.alloc(512, 1));
    server.reply((await server.take(1))[0]!);
    await write;
    server.links[0]!.destroy();
    await passTime(clock, () => server.links.length === 4);
    // Written over the connection that stayed, it could be in a server that a flush over the other does not reach.
    const [again] = await server.take(1);
    expect(again!.command).toBe(NbdCommand.Write);
    server.reply(again!);
    const flush = port.flush();
    server.reply((await server.take(1))[0]!);
    await flush;
  });

  it('closing says goodbye on each', async () => {
    const { server, engine, port } = await open({ flags }, 'write', '&connections=2');
    port.close();
    const last = await server.take(2);
    expect(last.map(({ command }) => command)).toEqual([NbdCommand.Disconnect, NbdCommand.Disconnect]);
    expect(new Set(last.map(({ link }) => link)).size).toBe(2);
    await engine.close();
  });

  it('of a server that does not keep them in step there is one, which is told', async () => {
    const server = await start();
    const engine = createEngine({ types: [nbd] });
    const log: string[] = [];
    engine.onEvent((event) => log.push(event.message));
    const port = await engine.open(`${server.uri}&connections=4`);
    expect(server.options.filter((option) => option === NbdOption.Go)).toHaveLength(1);
    expect(log.join()).toMatch(/does not keep several connections in step/);
    port.close();
  });
});

describe('parameters', () => {
  it.each([
    'connections=0',
    'connections=17',
    'connections=two',
    'reconnect=-1',
    'reconnect=1.5',
    'connections=',
  ])('%s is refused', async (query) => {
    const engine = createEngine({ types: [nbd] });
    await expect(engine.open(`nbd://h/?${query}`)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('want a whole number'),
    });
  });

  it('how a place is reached does not make it another place', async () => {
    const { server, engine, port } = await open({ flags }, 'write', '&connections=2&reconnect=5');
    const again = await engine.open(server.uri, { claim: 'noexcl' });
    expect(again.device).toBe(port.device);
    expect(port.device.name).not.toMatch(/connections|reconnect/);
    again.close();
  });

  it('TLS parameters without TLS are refused, not forgotten', async () => {
    const engine = createEngine({ types: [nbd] });
    await expect(engine.open('nbd://h/?tls-type=psk')).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('nbds://'),
    });
  });
});
