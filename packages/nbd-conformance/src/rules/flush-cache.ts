import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import { expect, type Rule } from '../rule.ts';
import { bears, unit, UNKNOWN_COMMAND_FLAG } from './helpers.ts';

/** FLUSH and CACHE. */
export const flushCacheRules: readonly Rule[] = [
  {
    id: 'flush.succeeds',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'Where SEND_FLUSH is set FLUSH succeeds.',
    needs: { flags: TransmissionFlag.SendFlush },
    async run(kit) {
      await (await kit.ready()).succeed({ type: NbdCommand.Flush });
    },
  },
  {
    id: 'flush.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set FLUSH with FUA succeeds.',
    needs: { flags: TransmissionFlag.SendFlush | TransmissionFlag.SendFua },
    async run(kit) {
      await (await kit.ready()).succeed({ type: NbdCommand.Flush, flags: CommandFlag.Fua });
    },
  },
  {
    id: 'flush.flag.foreign',
    level: 'SHOULD',
    section: 'Error values',
    about: 'FLUSH with a flag of other commands, or one that nobody knows, fails with EINVAL.',
    needs: { flags: TransmissionFlag.SendFlush },
    async run(kit) {
      const transmission = await kit.ready();
      for (const flags of [CommandFlag.NoHole, CommandFlag.ReqOne, UNKNOWN_COMMAND_FLAG]) {
        await transmission.fail({ type: NbdCommand.Flush, flags }, NbdError.Inval);
      }
    },
  },
  {
    id: 'cache.same',
    level: 'MUST',
    section: 'Request types',
    about: 'CACHE changes nothing: the bytes read after it are those read before.',
    needs: { flags: TransmissionFlag.SendCache },
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const before = await transmission.read(0, length);
      await transmission.command({ type: NbdCommand.Cache, length });
      expect((await transmission.read(0, length)).equals(before), 'the bytes are others');
    },
  },
  {
    id: 'cache.flag.unknown',
    level: 'MUST',
    section: 'Request types',
    about: 'Where SEND_CACHE is set CACHE with a flag that nobody knows fails.',
    needs: { flags: TransmissionFlag.SendCache },
    async run(kit) {
      const cache = { type: NbdCommand.Cache, length: unit(kit.survey), flags: UNKNOWN_COMMAND_FLAG };
      await (await kit.ready()).fail(cache, NbdError.Inval);
    },
  },
  {
    id: 'cache.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set CACHE with FUA is as good as without.',
    needs: { flags: TransmissionFlag.SendCache | TransmissionFlag.SendFua },
    async run(kit) {
      const transmission = await kit.ready();
      const cache = { type: NbdCommand.Cache, length: unit(kit.survey) };
      const { error } = await transmission.command(cache);
      await transmission.fail({ ...cache, flags: CommandFlag.Fua }, error);
    },
  },
  {
    id: 'cache.length-0',
    level: 'SHOULD',
    section: 'Request types',
    about: 'CACHE of nothing does not end the connection.',
    needs: { flags: TransmissionFlag.SendCache },
    async run(kit) {
      await bears(await kit.ready(), { type: NbdCommand.Cache, length: 0 }, kit.survey);
    },
  },
  {
    id: 'cache.unadvertised',
    level: 'MUST',
    section: 'Terminating the transmission phase',
    about: 'CACHE without flags does not end the connection, though SEND_CACHE is not set.',
    needs: { without: TransmissionFlag.SendCache },
    async run(kit) {
      await bears(await kit.ready(), { type: NbdCommand.Cache, length: unit(kit.survey) }, kit.survey);
    },
  },
];
