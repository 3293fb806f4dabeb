import type * as FormatLuks from '@interposer/format-luks';

/** The package that knows LUKS. It brings ciphers in, so only the verbs that need it load it. */
export function formatLuksPackage(): Promise<typeof FormatLuks> {
  return import('@interposer/format-luks');
}
