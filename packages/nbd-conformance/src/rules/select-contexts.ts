import {
  ALLOCATION_CONTEXT,
  encodeContextRequest,
  NbdCommand,
  NbdError,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import { expectFinal, isError, unit } from './helpers.ts';

const SET = NbdOption.SetMetaContext;
const needs = { structured: true, allocation: true } as const;
const structured = { mode: 'structured' } as const;

/** An option whose query says that it is longer than the data are. */
function cutQuery(name: string): Buffer {
  return encodeContextRequest({ name, queries: ['base:allocation'] }).subarray(0, -3);
}

/** SET_META_CONTEXT. */
export const selectContextRules: readonly Rule[] = [
  {
    id: 'context.set.needs-structured',
    level: 'SHOULD',
    section: 'Option types',
    about: 'SET_META_CONTEXT before structured replies or extended headers is answered with ERR_INVALID.',
    needs,
    async run(kit) {
      const data = encodeContextRequest({ name: kit.name, queries: [ALLOCATION_CONTEXT] });
      expectFinal(await (await kit.greeted()).option(SET, data), 'such a SET', OptionReply.ErrInvalid);
    },
  },
  {
    id: 'context.set.selects',
    level: 'MUST',
    section: 'Option types',
    about: 'SET gives one reply for each context it selects, each with an id of its own.',
    needs,
    async run(kit) {
      const names = kit.survey.contexts.filter((name) => !name.endsWith(':'));
      const contexts = await (await kit.haggling(structured)).contexts(SET, names);
      expect(contexts.length > 0, 'it selects none');
      const [ids, selected] = [contexts.map(({ id }) => id), contexts.map(({ name }) => name)];
      expect(new Set(ids).size === ids.length, `the ids are ${ids.join(', ')}`);
      expect(new Set(selected).size === selected.length, `the contexts are ${selected.join(', ')}`);
    },
  },
  {
    id: 'context.set.twice',
    level: 'MUST',
    section: 'Option types',
    about: 'A query that is there twice selects its context once.',
    needs,
    async run(kit) {
      const queries = [ALLOCATION_CONTEXT, ALLOCATION_CONTEXT];
      const contexts = await (await kit.haggling(structured)).contexts(SET, queries);
      expect(contexts.length === 1, `it selects ${String(contexts.length)}`);
    },
  },
  {
    id: 'context.set.base',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'SET ignores "base:".',
    needs,
    async run(kit) {
      const contexts = await (await kit.haggling(structured)).contexts(SET, ['base:']);
      expect(contexts.length === 0, `it selects ${contexts.map(({ name }) => name).join(', ')}`);
    },
  },
  {
    id: 'context.set.wildcard',
    level: 'SHOULD',
    section: 'Metadata querying',
    about: 'SET with a namespace and no leaf selects nothing.',
    needs,
    async run(kit) {
      const namespaces = new Set(kit.survey.contexts.map((name) => name.slice(0, name.indexOf(':') + 1)));
      for (const query of namespaces) {
        const contexts = await (await kit.haggling(structured)).contexts(SET, [query]);
        expect(contexts.length === 0, `"${query}" selects ${contexts.map(({ name }) => name).join(', ')}`);
      }
    },
  },
  {
    id: 'context.set.unknown-namespace',
    level: 'MUST',
    section: 'Option types',
    about: 'SET ignores queries in namespaces that it does not know, and takes the others.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling(structured);
      const contexts = await negotiation.contexts(SET, ['x-interposer-conformance:none', ALLOCATION_CONTEXT]);
      const names = contexts.map(({ name }) => name).join(', ');
      expect(names === ALLOCATION_CONTEXT, `it selects ${names}`);
    },
  },
  {
    id: 'context.set.none',
    level: 'MUST',
    section: 'Option types',
    about: 'SET without queries selects nothing.',
    needs,
    async run(kit) {
      const contexts = await (await kit.haggling(structured)).contexts(SET, []);
      expect(contexts.length === 0, `it selects ${contexts.map(({ name }) => name).join(', ')}`);
    },
  },
  {
    id: 'context.set.replaces',
    level: 'MUST',
    section: 'Option types',
    about: 'SET replaces what was selected before: BLOCK_STATUS fails after a SET that selects nothing.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling({ ...structured, contexts: [ALLOCATION_CONTEXT] });
      await negotiation.contexts(SET, []);
      const transmission = await negotiation.go();
      const { error } = await transmission.command({
        type: NbdCommand.BlockStatus,
        length: unit(kit.survey),
      });
      expect(error !== 0, 'it succeeds');
    },
  },
  {
    id: 'context.set.replaces.failed',
    level: 'MUST',
    section: 'Option types',
    about: 'SET replaces what was selected before also if it fails.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling({ ...structured, contexts: [ALLOCATION_CONTEXT] });
      notApplicableIf(
        !isError(await negotiation.option(SET, cutQuery(kit.name))),
        'a malformed SET succeeds',
      );
      const transmission = await negotiation.go();
      const { error } = await transmission.command({
        type: NbdCommand.BlockStatus,
        length: unit(kit.survey),
      });
      expect(error !== 0, 'BLOCK_STATUS succeeds');
    },
  },
  {
    id: 'context.set.other-export',
    level: 'SHOULD',
    section: 'Metadata querying',
    about: 'What was selected for another export is void: BLOCK_STATUS fails with EINVAL.',
    needs,
    async run(kit) {
      const other = kit.survey.exports?.find((name) => name !== kit.name) ?? `${kit.name}-other`;
      const negotiation = await kit.haggling(structured);
      await negotiation.option(SET, encodeContextRequest({ name: other, queries: [ALLOCATION_CONTEXT] }));
      const transmission = await negotiation.go();
      await transmission.fail({ type: NbdCommand.BlockStatus, length: unit(kit.survey) }, NbdError.Inval);
    },
  },
];
