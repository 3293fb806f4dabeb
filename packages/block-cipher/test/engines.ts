import { createHash } from 'node:crypto';
import { type EngineName, loadEngines } from '../src/index.ts';

/** The engines of this machine: tests run on each. */
export const ENGINES: readonly EngineName[] = await loadEngines();

/** The clear data of recorded cases: sector n is 16 times SHA-256 of "n:0" to "n:15". */
export function clearSectors(count: number): Uint8Array {
  const data = new Uint8Array(count * 512);
  for (let at = 0; at < data.length; at += 32) {
    const text = `${Math.floor(at / 512)}:${(at % 512) / 32}`;
    data.set(createHash('sha256').update(text).digest(), at);
  }
  return data;
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A key that has no two equal halves. */
export function testKey(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 7 + 3) & 255);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The code of the error that something throws. */
export function errorOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    return { code: (error as { code: string }).code, message: (error as Error).message };
  }
  return { code: 'none', message: '' };
}
