import {
  ALLOCATION_CONTEXT,
  encodeContextRequest,
  encodeOption,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import { expect, type Rule } from '../rule.ts';
import { expectFinal, stillNegotiates } from './helpers.ts';

const LIST = NbdOption.ListMetaContext;
const SET = NbdOption.SetMetaContext;
const needs = { structured: true, allocation: true } as const;
const structured = { mode: 'structured' } as const;

/** An option whose query says that it is longer than the data are. */
function cutQuery(name: string): Buffer {
  return encodeContextRequest({ name, queries: ['base:allocation'] }).subarray(0, -3);
}

/** LIST_META_CONTEXT, and what is malformed for both. */
export const contextRules: readonly Rule[] = [
  {
    id: 'context.list.all',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST without queries gives all contexts, base:allocation among them if it can be selected.',
    needs,
    async run(kit) {
      const names = (await (await kit.haggling(structured)).contexts(LIST, [])).map(({ name }) => name);
      expect(names.includes(ALLOCATION_CONTEXT), `it gives ${names.join(', ')}`);
    },
  },
  {
    id: 'context.list.query',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST with a query gives the contexts that match it, and no others.',
    needs,
    async run(kit) {
      const contexts = await (await kit.haggling(structured)).contexts(LIST, [ALLOCATION_CONTEXT]);
      const names = contexts.map(({ name }) => name).join(', ');
      expect(names === ALLOCATION_CONTEXT, `it gives ${names}`);
    },
  },
  {
    id: 'context.list.base',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'LIST takes "base:" for all contexts of that namespace.',
    needs,
    async run(kit) {
      const contexts = await (await kit.haggling(structured)).contexts(LIST, ['base:']);
      const names = contexts.map(({ name }) => name);
      expect(names.includes(ALLOCATION_CONTEXT), `it gives ${names.join(', ')}`);
      expect(
        names.every((name) => name.startsWith('base:')),
        `it gives ${names.join(', ')}`,
      );
    },
  },
  {
    id: 'context.list.id',
    level: 'SHOULD',
    section: 'Option types',
    about: 'The ids in the answer to LIST are zero.',
    needs,
    async run(kit) {
      for (const { id, name } of await (await kit.haggling(structured)).contexts(LIST, [])) {
        expect(id === 0, `that of ${name} is ${String(id)}`);
      }
    },
  },
  {
    id: 'context.list.unknown-namespace',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST ignores queries in namespaces that it does not know.',
    needs,
    async run(kit) {
      const queries = ['x-interposer-conformance:', 'x-interposer-conformance:none'];
      const contexts = await (await kit.haggling(structured)).contexts(LIST, queries);
      expect(contexts.length === 0, `it gives ${contexts.map(({ name }) => name).join(', ')}`);
    },
  },
  {
    id: 'context.list.unknown-leaf',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'LIST and SET ignore leaves of "base:" that they do not know.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling(structured);
      for (const option of [LIST, SET]) {
        const contexts = await negotiation.contexts(option, ['base:interposer-conformance']);
        expect(contexts.length === 0, 'a context that does not exist is selected');
      }
    },
  },
  {
    id: 'context.names',
    level: 'MUST',
    section: 'Metadata querying',
    about: 'The name of a context is a namespace, a colon, and more.',
    needs,
    async run(kit) {
      for (const { name } of await (await kit.haggling(structured)).contexts(LIST, [])) {
        expect(/^[^:\s]+:/.test(name), `"${name}" is a name`);
      }
    },
  },
  {
    id: 'context.namespaces',
    level: 'MUST',
    section: 'Metadata querying',
    about: 'Namespaces are base, nbd-server, qemu, or begin with "x-".',
    needs,
    async run(kit) {
      for (const { name } of await (await kit.haggling(structured)).contexts(LIST, [])) {
        expect(/^(base|nbd-server|qemu|x-[^:]*):/.test(name), `"${name}" is of another namespace`);
      }
    },
  },
  {
    id: 'context.malformed.query',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST and SET with a query longer than the data are answered with ERR_INVALID; haggling goes on.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling(structured);
      for (const option of [LIST, SET]) {
        const answer = await negotiation.option(option, cutQuery(kit.name));
        expectFinal(answer, 'a malformed option', OptionReply.ErrInvalid);
      }
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'context.malformed.count',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST and SET with fewer queries than they say are answered with ERR_INVALID.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling(structured);
      const data = encodeContextRequest({ name: kit.name, queries: [] });
      data.writeUInt32BE(3, data.length - 4);
      for (const option of [LIST, SET]) {
        expectFinal(await negotiation.option(option, data), 'a malformed option', OptionReply.ErrInvalid);
      }
    },
  },
  {
    id: 'context.malformed.name',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST and SET with a name longer than the data are answered with ERR_INVALID.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling(structured);
      for (const option of [LIST, SET]) {
        const answer = await negotiation.option(option, Buffer.from('000000ff00000000', 'hex'));
        expectFinal(answer, 'a malformed option', OptionReply.ErrInvalid);
      }
    },
  },
  {
    id: 'context.malformed.empty',
    level: 'MUST',
    section: 'Option types',
    about: 'LIST and SET without data are answered with ERR_INVALID, and haggling goes on.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling(structured);
      for (const option of [LIST, SET]) {
        negotiation.send(encodeOption(option), 'the option without data');
        expectFinal(await negotiation.answer(option), 'an option without data', OptionReply.ErrInvalid);
      }
      await stillNegotiates(negotiation);
    },
  },
];
