#!/usr/bin/env node
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Refusal } from './errors.ts';
import { main } from './main.ts';

const { stdin, stdout, stderr } = process;

/** One reader for each question: nothing keeps the process alive between them. Without an answer (Ctrl-D) nothing is made. */
async function ask(question: string): Promise<string> {
  const reader = createInterface({ input: stdin, output: stdout });
  try {
    const ended = new Promise<never>((_, reject) => {
      reader.once('close', () => {
        reject(new Refusal('the question was not answered; nothing was made'));
      });
    });
    return (await Promise.race([reader.question(question), ended])).trim();
  } finally {
    reader.close();
  }
}

process.exitCode = await main(process.argv.slice(2), {
  directory: process.cwd(),
  write: (line) => stdout.write(`${line}\n`),
  complain: (line) => stderr.write(`${line}\n`),
  ...(stdin.isTTY && stdout.isTTY ? { ask } : {}),
});
