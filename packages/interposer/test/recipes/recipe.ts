import { readdirSync } from 'node:fs';
import { codeBlocks, readPage, type Step, stepsOf } from '../pages.ts';

const FOLDER = new URL('../../../../docs/recipes/', import.meta.url);
const CLIENTS = ['qemu-io', 'nbdinfo', 'nbdcopy', 'nbdsh', 'fio'];
const FILTERS = ['chaos', 'delay', 'dust', 'error', 'flakey', 'throttle', 'volatile'];

/** A part of a page that is followed, or left out where a program of somebody else is missing. */
export interface Block {
  readonly steps: readonly Step[];
  readonly clients: readonly string[];
}

/** A page of docs/recipes. */
export interface Recipe {
  readonly name: string;
  readonly blocks: readonly Block[];
  /** Texts by name: blocks whose first line is a comment that is a name. */
  readonly files: readonly (readonly [name: string, text: string])[];
  /** The filters in the tables of the page, as they are attached. */
  readonly filters: readonly string[];
}

/** All of them. */
export function recipes(): Recipe[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
  return names.sort().map((name) => readRecipe(name));
}

function readRecipe(name: string): Recipe {
  const page = `recipes/${name}`;
  return {
    name,
    blocks: codeBlocks(page, 'console').map((text) => blockOf(stepsOf(text))),
    files: codeBlocks(page, 'yaml').flatMap((text) => {
      const file = /^# (\S+)\n/.exec(text)?.[1];
      return file === undefined ? [] : [[file, text] as const];
    }),
    filters: filtersOf(readPage(page)),
  };
}

function blockOf(steps: readonly Step[]): Block {
  const words = new Set(steps.flatMap(({ command }) => command.split(/\s+/)));
  return { steps, clients: CLIENTS.filter((client) => words.has(client)) };
}

function filtersOf(text: string): string[] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  const codes = rows.flatMap((row) => [...row.matchAll(/`([^`]*)`/g)].map(([, code]) => code!));
  return codes.filter((code) => FILTERS.includes(/^\w+/.exec(code)?.[0] ?? ''));
}
