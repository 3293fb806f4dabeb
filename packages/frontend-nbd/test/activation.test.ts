import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { decodeServerReply, NbdOption } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import { inheritedSockets } from '../src/index.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { serve } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const LISTEN_PID = String(process.pid);

describe('the environment', () => {
  it('tells of sockets and their names, once', () => {
    const environment = { LISTEN_PID, LISTEN_FDS: '3', LISTEN_FDNAMES: 'data:control', HOME: '/' };
    expect(inheritedSockets(environment)).toEqual([
      { fd: 3, name: 'data' },
      { fd: 4, name: 'control' },
      { fd: 5, name: '' },
    ]);
    expect(environment).toEqual({ HOME: '/' });
    expect(inheritedSockets(environment)).toEqual([]);
  });

  it('of another process is no matter of ours, and not of our children', () => {
    const environment = { LISTEN_PID: '1', LISTEN_FDS: '3' };
    expect(inheritedSockets(environment)).toEqual([]);
    expect(environment).toEqual({});
    expect(inheritedSockets({ LISTEN_FDS: '1' })).toEqual([]);
  });

  it.each(['', '-1', 'many'])('LISTEN_FDS=%s makes no sense', (LISTEN_FDS) => {
    expect(() => inheritedSockets({ LISTEN_PID, LISTEN_FDS })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });
});

describe('a descriptor', () => {
  it('that is none, or no socket, is refused', async () => {
    const { server } = await serve();
    const file = openSync('/dev/null', 'r');
    later(() => closeSync(file));
    for (const fd of [4000, file]) {
      await expect(server.listen({ fd })).rejects.toMatchObject({
        message: expect.stringMatching(/is no socket to listen on/) as string,
      });
    }
  });
});

describe('socket files', () => {
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

  it('have the mode and group that are asked for', async () => {
    const { server } = await serve();
    const path = join(await temporaryFolder(), 'open.sock');
    const group = process.getgid!();
    const address = { path, mode: 0o660, group };
    expect(await server.listen(address)).toEqual(address);
    expect(modeOf(path)).toBe('660');
    expect(statSync(path).gid).toBe(group);
  });

  it.skipIf(process.getuid!() !== 0)('have a group by its name', async () => {
    const { server } = await serve();
    const path = join(await temporaryFolder(), 'group.sock');
    await server.listen({ path, mode: 0o620, group: 'daemon' });
    expect(modeOf(path)).toBe('620');
    expect(statSync(path).gid).toBe(1);
  });

  it.each([
    [{ mode: 0o1777 }, /no mode/],
    [{ mode: -1 }, /no mode/],
    [{ group: 'no such group' }, /no group "no such group"/],
  ])('%o cannot be', async (access, message) => {
    const { server } = await serve();
    const path = join(await temporaryFolder(), 'none.sock');
    await expect(server.listen({ path, ...access })).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(message) as string,
    });
    expect(existsSync(path)).toBe(false);
  });

  it('are never more open than they shall be', async () => {
    const { server } = await serve();
    const before = process.umask(0);
    later(() => process.umask(before));
    const path = join(await temporaryFolder(), 'private.sock');
    const listening = server.listen({ path });
    // It exists already, and nothing has been awaited.
    expect(modeOf(path)).toBe('600');
    await listening;
    expect(process.umask(before)).toBe(0);
  });
});

describe.skipIf(!peer('systemd-socket-activate'))('systemd', () => {
  async function program(): Promise<string> {
    const folder = await temporaryFolder();
    await build({
      entry: [fileURLToPath(new URL('activated-server.ts', import.meta.url))],
      outDir: folder,
      outExtension: () => ({ js: '.mjs' }),
      format: 'esm',
      platform: 'node',
      target: 'node20',
      config: false,
      silent: true,
      noExternal: [/^@interposer\//],
      external: ['koffi'],
      esbuildOptions: (options) => {
        options.conditions = ['@interposer/source'];
      },
    });
    return join(folder, 'activated-server.mjs');
  }

  it('starts a server with two sockets when a client connects', async () => {
    const [folder, script] = [await temporaryFolder(), await program()];
    const paths = ['one', 'two'].map((name) => join(folder, name));
    const listen = paths.flatMap((path) => ['-l', path]);
    const child = spawn(
      peerPath('systemd-socket-activate')!,
      [...listen, '--fdname=one:two', process.execPath, script],
      {
        stdio: 'ignore',
      },
    );
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    later(() => child.kill('SIGKILL'));
    while (!paths.every((path) => existsSync(path))) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const path of paths) {
      const client = new RawClient(path);
      later(() => client.close());
      await client.greet();
      const answers = await client.option(NbdOption.List);
      const exports = answers.slice(0, -1).map(({ data }) => decodeServerReply(data));
      expect(exports).toMatchObject([
        { name: 'one', description: 'LISTEN_FDS=' },
        { name: 'two', description: 'LISTEN_FDS=' },
      ]);
    }
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    // The sockets are systemd's.
    expect(paths.every((path) => existsSync(path))).toBe(true);
  });
});
