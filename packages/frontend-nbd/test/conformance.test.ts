import { frontendSuite } from '@interposer/conformance';
import { CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { NbdServer } from '../src/index.ts';
import { RawClient, type Reply } from './raw-client.ts';

function check({ error, data }: Reply): Buffer {
  if (error !== 0) throw new Error(`NBD error ${error}`);
  return data;
}

frontendSuite(
  { describe, it },
  {
    name: 'nbd',
    async serve(port) {
      const folder = await mkdtemp(join(tmpdir(), 'interposer-nbd-'));
      const server = new NbdServer();
      server.addExport({ name: '', port });
      const path = join(folder, 'nbd.sock');
      await server.listen({ path });
      const client = await new RawClient(path).go();
      const done = async (reply: Promise<Reply>): Promise<void> => {
        check(await reply);
      };
      return {
        read: async (offset, length) => check(await client.request(NbdCommand.Read, offset, length)),
        write: (offset, data, options) =>
          done(client.write(offset, Buffer.from(data), options?.fua === true ? CommandFlag.Fua : 0)),
        flush: () => done(client.request(NbdCommand.Flush, 0, 0)),
        discard: (offset, length) => done(client.request(NbdCommand.Trim, offset, length)),
        writeZeroes: (offset, length) => done(client.request(NbdCommand.WriteZeroes, offset, length)),
        async close() {
          await server.close();
          client.close();
          await rm(folder, { recursive: true });
        },
      };
    },
  },
);
