import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { peerPath } from '../../../tools/peers.ts';

const execute = promisify(execFile);

/** What a program printed. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. Other than `spawnSync` it lets this process serve a disk meanwhile. */
export async function run(name: string, args: readonly string[]): Promise<Output> {
  try {
    const { stdout, stderr } = await execute(peerPath(name) ?? name, args);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Output;
    return { code, stdout, stderr };
  }
}
