import { InfoType, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import { type Mutant, info, final, reply, flagsOf } from './faults.ts';

export const handshakeMutants: readonly Mutant[] = [
  { fault: 'oldstyle magic', rule: 'greeting.magic', faults: { greeting: (bytes) => bytes.fill(0, 8, 16) } },
  {
    fault: 'no FIXED_NEWSTYLE',
    rule: 'greeting.fixed-newstyle',
    faults: { greeting: (bytes) => bytes.fill(2, 17, 18) },
  },
  {
    fault: 'a reserved flag',
    rule: 'greeting.reserved-flags',
    faults: { greeting: (bytes) => bytes.fill(0x83, 17, 18) },
  },
  {
    fault: 'takes any client flags',
    rule: 'greeting.unknown-client-flag',
    faults: { clientFlags: (flags) => flags & 3 },
  },
  {
    fault: 'closes on an unknown option',
    rule: 'option.unknown',
    faults: { option: (option, data) => (option > 11 ? 'close' : data) },
  },
  {
    fault: 'calls an unknown option invalid',
    rule: 'option.unknown',
    faults: final(0x7ead, OptionReply.ErrInvalid),
  },
  {
    fault: 'echoes another option',
    rule: 'option.unknown.next',
    faults: { optionReply: (message) => [message.option > 11 ? { ...message, option: 1 } : message] },
  },
  {
    fault: 'text with NUL',
    rule: 'option.error.text',
    faults: final(0x7ead, OptionReply.ErrUnsupported, Buffer.alloc(4)),
  },
  {
    fault: 'closes on ABORT',
    rule: 'abort.ack',
    faults: { option: (option, data) => (option === 2 ? 'close' : data) },
  },
  { fault: 'ACK with data', rule: 'option.list.ack', faults: final(NbdOption.List, 1, Buffer.alloc(4)) },
  {
    fault: 'LIST with data is fine',
    rule: 'option.list.data',
    faults: { option: (option, data) => (option === NbdOption.List ? Buffer.alloc(0) : data) },
  },
  {
    fault: 'a name longer than its reply',
    rule: 'option.list.server',
    faults: {
      optionReply(message) {
        if (message.type === OptionReply.Server) message.data.writeUInt32BE(500, 0);
        return [message];
      },
    },
  },
  {
    fault: 'INFO without information',
    rule: 'info.export',
    faults: { optionReply: (message) => (message.type === OptionReply.Info ? [] : [message]) },
  },
  {
    fault: 'ACK of INFO with data',
    rule: 'info.ack.empty',
    faults: final(NbdOption.Info, 1, Buffer.alloc(1)),
  },
  {
    fault: 'unknown exports are invalid',
    rule: 'info.unknown-export',
    faults: final(NbdOption.Info, OptionReply.ErrInvalid),
  },
  {
    fault: 'asks for what was asked',
    rule: 'info.sizes-asked',
    faults: final(NbdOption.Info, OptionReply.ErrBlockSizeRequired),
  },
  {
    fault: 'information twice',
    rule: 'info.once',
    faults: {
      optionReply: (message) => (message.type === OptionReply.Info ? [message, message] : [message]),
    },
  },
  {
    fault: 'another size in INFO',
    rule: 'go.same-as-info',
    faults: info(NbdOption.Info, InfoType.Export, (data) => data.writeBigUInt64BE(0n, 2)),
  },
  { fault: 'zeroes after GO', rule: 'go.no-padding', faults: { afterGo: Buffer.alloc(124) } },
  { fault: 'no HAS_FLAGS', rule: 'flags.has-flags', faults: flagsOf((flags) => flags & ~1) },
  { fault: 'DF always', rule: 'flags.df', faults: flagsOf((flags) => flags | 0x80) },
  { fault: 'FAST_ZERO alone', rule: 'flags.fast-zero', faults: flagsOf((flags) => (flags & ~0x40) | 0x800) },
  { fault: 'a flag of the future', rule: 'flags.undefined', faults: flagsOf((flags) => flags | 0x8000) },
  {
    fault: 'no padding',
    rule: 'export-name.padding',
    faults: { exportName: (bytes) => bytes.subarray(0, 10) },
  },
  {
    fault: 'padding always',
    rule: 'export-name.no-zeroes',
    faults: { exportName: (bytes) => Buffer.concat([bytes, Buffer.alloc(124)]) },
  },
  {
    fault: 'other flags by EXPORT_NAME',
    rule: 'export-name.same-as-go',
    faults: { exportName: (bytes) => bytes.fill(1, 9, 10) },
  },
  {
    fault: 'ERR_TLS_REQD without TLS',
    rule: 'tls.none.not-required',
    faults: final(0x7ead, OptionReply.ErrTlsRequired),
  },
  {
    fault: 'STARTTLS is invalid',
    rule: 'tls.none.refused',
    faults: { option: (option, data) => (option === 5 ? reply(5, OptionReply.ErrInvalid) : data) },
  },
  {
    fault: 'STRUCTURED_REPLY takes data',
    rule: 'structured.data',
    faults: { option: (option, data) => (option === 8 ? Buffer.alloc(0) : data) },
  },
  {
    fault: 'a preferred block of 256 bytes',
    rule: 'block-size.preferred',
    faults: info(NbdOption.Info, InfoType.BlockSize, (data) => data.writeUInt32BE(256, 6)),
  },
  {
    fault: 'a minimum of 3 bytes',
    rule: 'block-size.minimum',
    faults: info(NbdOption.Info, InfoType.BlockSize, (data) => data.writeUInt32BE(3, 2)),
  },
  {
    fault: 'a small maximum',
    rule: 'block-size.maximum.large',
    faults: info(NbdOption.Info, InfoType.BlockSize, (data) => data.writeUInt32BE(65536, 10)),
  },
];
