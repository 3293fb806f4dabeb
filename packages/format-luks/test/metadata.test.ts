import { isInterposerError } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { readLuks } from '../src/index.ts';
import { parseMetadata } from '../src/luks2/metadata.ts';
import {
  deviceOf,
  DIGEST,
  edited,
  type Edits,
  makeCopy,
  sampleJson,
  SEGMENT,
  withChecksum,
} from './support/header.ts';
import { MALFORMED } from './support/malformed.ts';

const TWO_SEGMENTS: Edits = {
  'segments.0.size': '4096',
  'segments.1': { ...SEGMENT, offset: '16781312', size: 'dynamic' },
  'digests.0.segments': ['0', '1'],
};

describe('the metadata of LUKS2', () => {
  it.each(MALFORMED)('is refused with %s', (_name, problem, edits) => {
    const parse = (): unknown => parseMetadata(edited(edits), 16_384);
    expect(parse).toThrow(problem);
    expect(parse).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  // What cryptsetup's tests want to be accepted.
  it.each<readonly [string, Edits]>([
    ['nothing changed', {}],
    ['a size of nearly 64 bits', { 'segments.0.size': '18446744073709547520' }],
    ['members of pbkdf2 in argon2', { 'keyslots.1.kdf.hash': 'sha256', 'keyslots.1.kdf.iterations': 1000 }],
    ['members of argon2 in pbkdf2', { 'keyslots.0.kdf.time': 4, 'keyslots.0.kdf.memory': 1 }],
    ['a segment of a type that is not known', { 'segments.0.type': 'some_type' }],
    ['members that are not known', { 'keyslots.0.comment': { x: [1, null] } }],
    [
      'a digest of no segment, for an unbound key',
      { 'digests.1': { ...DIGEST, keyslots: ['1'], segments: [] }, 'digests.0.keyslots': ['0'] },
    ],
    ['two segments', TWO_SEGMENTS],
  ])('is accepted with %s', (_name, edits) => {
    expect(() => parseMetadata(edited(edits), 16_384)).not.toThrow();
  });

  const integrity = { type: 'hmac(sha256)', journal_encryption: 'none', journal_integrity: 'none' };
  it.each<readonly [string, Edits, RegExp]>([
    ['integrity', { 'segments.0.integrity': integrity }, /authenticated \(hmac\(sha256\)\)/],
    ['a linear segment', { 'segments.0.type': 'linear' }, /of the type "linear"/],
    ['two segments', TWO_SEGMENTS, /has 2 segments/],
  ])('with %s is shown, but not opened', async (_name, edits, problem) => {
    const volume = await readLuks(deviceOf(makeCopy({ role: 'primary', json: edited(edits) })));
    expect(volume.dump()).toContain('Data segments:');
    expect(() => volume.data()).toThrow(problem);
    expect(() => volume.data()).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
  });

  const reencryption: Edits = {
    'config.requirements': { mandatory: ['online-reencrypt-v2'] },
    'segments.1': { ...SEGMENT, flags: ['backup-previous'] },
    'digests.0.segments': ['0', '1'],
    'keyslots.2': { type: 'reencrypt', key_size: 1, area: { type: 'none', offset: '548864', size: '4096' } },
  };
  it.each<readonly [string, Edits, RegExp]>([
    ['reencryption that is under way', reencryption, /being reencrypted/],
    ['requirements', { 'config.requirements': { mandatory: ['opal'] } }, /not supported: opal/],
  ])('with %s is shown, but neither opened nor changed', async (_name, edits, problem) => {
    const volume = await readLuks(deviceOf(makeCopy({ role: 'primary', json: edited(edits) })));
    expect(volume.dump()).toContain('Requirements:');
    const [passphrase, volumeKey] = [Buffer.from('x'), Buffer.alloc(64)];
    for (const refused of [
      volume.unlock({ passphrase }),
      volume.unlock({ volumeKey }),
      volume.removeKey(0),
      volume.addKey(volumeKey, passphrase),
      volume.changeKey(passphrase, passphrase),
      Promise.resolve().then(() => volume.data()),
    ]) {
      const error: unknown = await refused.catch((thrown: unknown) => thrown);
      expect(isInterposerError(error) && [error.code, error.message]).toEqual([
        'ENOTSUP',
        expect.stringMatching(problem),
      ]);
    }
  });
});

describe('the JSON area', () => {
  const text = JSON.stringify(sampleJson());
  const deep = `{"x":${'['.repeat(40)}${']'.repeat(40)},${text.slice(1)}`;
  it.each([
    ['nothing', '', /no object/],
    ['another opening character', ` ${text}`, /no object/],
    ['an array', `[${text}]`, /no object/],
    ['a string', '"hello"', /no object/],
    ['half of it', text.slice(0, 400), /no object/],
    ['half of it and a bracket', `${text.slice(0, 400)}}`, /cannot be read/],
    ['a byte behind it', `${text}\0x`, /something behind/],
    ['bytes far behind it', `${text}${'\0'.repeat(8000)}xyz`, /something behind/],
    ['more behind it', `${text}{}`, /cannot be read/],
    ['no NUL', text + ' '.repeat(12_288 - text.length), /not ended by a NUL/],
    ['deep nesting', deep, /nested too deeply/],
  ])('with %s is refused', async (_name, json, problem) => {
    const device = deviceOf(makeCopy({ role: 'primary', json }), makeCopy({ role: 'secondary', json }));
    await expect(readLuks(device)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(problem),
    });
  });

  it('with bytes that are no UTF-8 is refused', async () => {
    const copy = makeCopy({ role: 'primary', json: sampleJson() });
    copy[4096 + 3] = 0xff;
    await expect(readLuks(deviceOf(withChecksum(copy)))).rejects.toThrow(/not UTF-8/);
  });

  it('may be full to the last byte but one', async () => {
    const json = edited({ 'tokens.0.key_description': 'x'.repeat(12_287 - text.length + 'my-key'.length) });
    expect(JSON.stringify(json).length).toBe(12_287);
    expect((await readLuks(deviceOf(makeCopy({ role: 'primary', json })))).tokens).toHaveLength(1);
  });
});
