import { CommandFailure } from '../failure.ts';

/** The user ended the program: what was begun is not what was asked for. */
export class Interruption extends CommandFailure {
  constructor(advice: string) {
    super([`interposer: interrupted${advice === '' ? '' : `; ${advice}`}`], { closing: false });
  }
}
