import { CommandFailure } from '../failure.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../completion-scripts.ts';
import type { Verb } from '../verb.ts';

const SHELLS: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export const completion: Verb = {
  name: 'completion',
  operands: 'bash|zsh|fish',
  count: [1, 1],
  summary: 'Print the completion script for a shell',
  options: [],
  examples: [
    { command: 'source <(interposer completion bash)', about: 'In bash, or in ~/.bashrc' },
    { command: 'interposer completion fish > ~/.config/fish/completions/interposer.fish', about: 'In fish' },
  ],
  run: (command) => {
    const [shell = ''] = command.operands;
    const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
    if (script === undefined) {
      throw new CommandFailure([`No completion for "${shell}": bash, zsh and fish are known.`], {
        closing: false,
      });
    }
    command.print(script());
    return Promise.resolve(undefined);
  },
};
