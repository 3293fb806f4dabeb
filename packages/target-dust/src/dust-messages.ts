import { fail, type InterposerError } from '@interposer/core';
import type { BadBlocks } from './bad-blocks.ts';

/** The most writes to a block that fail before one makes it good: a byte of the kernel. */
const MAX_WRITE_FAILURES = 255;

/** Messages about one block. */
const ABOUT_BLOCKS: readonly string[] = ['addbadblock', 'removebadblock', 'queryblock'];

/** What messages change besides the bad blocks. */
export interface DustState {
  /** Whether bad blocks are bad now. */
  enabled: boolean;
  /** Whether changes of bad blocks go unlogged. */
  quiet: boolean;
}

/** The messages of dust, in the words of the kernel: what they answer, log and refuse. Kernel: dust_message. */
export class DustMessages {
  readonly #blocks: BadBlocks;
  readonly #state: DustState;
  /** The last number that is taken for a block: one more than there are, as in the kernel. */
  readonly #lastBlock: () => number;
  readonly #log: (message: string) => void;

  constructor(blocks: BadBlocks, state: DustState, lastBlock: () => number, log: (message: string) => void) {
    this.#blocks = blocks;
    this.#state = state;
    this.#lastBlock = lastBlock;
    this.#log = log;
  }

  /** The answer, which may be empty. The first word is in small letters. EINVAL for what it does not know. */
  handle([word = '', ...numbers]: readonly string[]): string {
    if (numbers.length > 2)
      throw refusal(`invalid number of arguments '${String(numbers.length + 1)}': three at most`);
    const [block, failures] = numbers;
    if (block === undefined) return this.#plain(word);
    return this.#aboutBlock(word, block, failures);
  }

  #plain(word: string): string {
    switch (word) {
      case 'enable':
      case 'disable':
        this.#state.enabled = word === 'enable';
        this.#log(`${word.slice(0, -1)}ing read failures on bad sectors`);
        return '';
      case 'quiet':
        this.#state.quiet = !this.#state.quiet;
        return '';
      case 'countbadblocks':
        return `countbadblocks: ${String(this.#blocks.count)} badblock(s) found`;
      case 'listbadblocks':
        return this.#list();
      case 'clearbadblocks':
        return this.#clear();
      default:
        if (ABOUT_BLOCKS.includes(word)) throw refusal(`${word} requires an additional argument`);
        throw unknown(word);
    }
  }

  #list(): string {
    const blocks = this.#blocks.list();
    return blocks.length === 0
      ? 'No blocks in badblocklist'
      : blocks.map((block) => `${String(block)}\n`).join('');
  }

  #clear(): string {
    const { count } = this.#blocks;
    this.#blocks.clear();
    return `dust_clear_badblocks: ${count === 0 ? 'no badblocks found' : 'badblocks cleared'}`;
  }

  #aboutBlock(word: string, blockWord: string, failuresWord: string | undefined): string {
    const block = numberOf(blockWord);
    const failures = numberOf(failuresWord ?? '0');
    if (failures > MAX_WRITE_FAILURES)
      throw refusal(`selected write fail count out of range: ${String(failures)} is not in 0..255`);
    const last = this.#lastBlock();
    if (block > last)
      throw refusal(`selected block value out of range: ${blockWord} is not in 0..${String(last)}`);
    if (word === 'addbadblock') return this.#add(block, failures);
    if (word === 'removebadblock' && failuresWord === undefined) return this.#remove(block);
    if (word === 'queryblock' && failuresWord === undefined) return this.#query(block);
    throw unknown(word);
  }

  #add(block: number, failures: number): string {
    if (!this.#blocks.add(block, failures))
      throw refusal(`dust_add_block: block ${String(block)} already in badblocklist`);
    this.#tell(
      `dust_add_block: badblock added at block ${String(block)} with write fail count ${String(failures)}`,
    );
    return '';
  }

  #remove(block: number): string {
    if (!this.#blocks.remove(block))
      throw refusal(`dust_remove_block: block ${String(block)} not found in badblocklist`);
    this.#tell(`dust_remove_block: badblock removed at block ${String(block)}`);
    return '';
  }

  #query(block: number): string {
    return `dust_query_block: block ${String(block)} ${this.#blocks.has(block) ? '' : 'not '}found in badblocklist`;
  }

  #tell(message: string): void {
    if (!this.#state.quiet) this.#log(message);
  }
}

function numberOf(word: string): number {
  if (!/^\d+$/.test(word)) throw refusal(`"${word}" is not a whole decimal number`);
  return Number(word);
}

function unknown(word: string): InterposerError {
  return refusal(`unrecognized message '${word}' received`);
}

function refusal(text: string): InterposerError {
  return fail('EINVAL', `dust: ${text}`);
}
