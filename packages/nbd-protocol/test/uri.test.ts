import { describe, expect, it } from 'vitest';
import { formatNbdUri, NbdUriError, parseNbdUri } from '../src/index.ts';

const tcp = (host: string, port = 10809) => ({ kind: 'tcp', host, port });

describe('URIs', () => {
  it.each([
    ['nbd://h', tcp('h'), ''],
    ['nbd://h/', tcp('h'), ''],
    ['nbd://h//disk', tcp('h'), '/disk'],
    ['nbd://h/a%20b/c', tcp('h'), 'a b/c'],
    ['nbd://h/a+b', tcp('h'), 'a+b'],
    ['nbd://h:1234/x', tcp('h', 1234), 'x'],
    ['nbd:///x', tcp('localhost'), 'x'],
    ['nbd://[::1]:99/x', tcp('::1', 99), 'x'],
    ['nbd://[fe80::1]', tcp('fe80::1'), ''],
    ['nbd+unix:///?socket=/tmp/s', { kind: 'unix', path: '/tmp/s' }, ''],
    ['nbd+unix:///x?socket=/tmp/a%20b%3Fc', { kind: 'unix', path: '/tmp/a b?c' }, 'x'],
    ['nbd+unix://?socket=s', { kind: 'unix', path: 's' }, ''],
    ['nbd+unix:///?socket=%00abstract', { kind: 'unix', path: '\0abstract' }, ''],
  ])('%s', (text, address, exportName) => {
    const uri = parseNbdUri(text);
    expect(uri).toMatchObject({ address, exportName, tls: false, unknownKeys: [] });
    expect(parseNbdUri(formatNbdUri(uri))).toEqual(uri);
  });

  it('users, TLS keys and unknown keys', () => {
    const text = 'nbds://alice%40x@h/d?tls-type=psk&colour=red&tls-psk-file=/k&size';
    const uri = parseNbdUri(text);
    expect(uri).toEqual({
      tls: true,
      address: tcp('h'),
      exportName: 'd',
      user: 'alice@x',
      tlsParameters: { 'tls-type': 'psk', 'tls-psk-file': '/k' },
      unknownKeys: ['colour', 'size'],
      unknownParameters: { colour: 'red', size: '' },
    });
    expect(formatNbdUri(uri)).toBe('nbds://alice%40x@h/d?tls-psk-file=/k&tls-type=psk');
  });

  it('the same place is the same text', () => {
    for (const text of ['nbd://h', 'nbd://h/', 'nbd://h:10809/']) {
      expect(formatNbdUri(parseNbdUri(text))).toBe('nbd://h/');
    }
    expect(formatNbdUri(parseNbdUri('nbd://[::1]:7/a%2Fb%3F'))).toBe('nbd://[::1]:7/a/b%3F');
  });

  it.each([
    'nbd:h',
    'nbd:/h',
    'http://h/x',
    'nbd://h:0',
    'nbd://h:65536',
    'nbd://h:x',
    'nbd://[::1',
    'nbd://a:b:c',
    'nbd://h/%zz',
    'nbd://h/%ff',
    'nbd://h/x#part',
    'nbd://h/?socket=/s',
    'nbd+unix:///x',
    'nbd+unix:///x?socket=',
    'nbd+unix://h/x?socket=/s',
    'nbd+unix:///x?socket=a&socket=b',
    `nbd+unix:///x?socket=/${'s'.repeat(107)}`,
  ])('%s is none', (text) => {
    expect(() => parseNbdUri(text)).toThrow(NbdUriError);
  });
});
