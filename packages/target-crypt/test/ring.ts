import { KeyRing } from '@interposer/core';

/** So many bytes that count up, in hexadecimal. */
export function hexKey(bytes: number, first = 0): string {
  return Buffer.from(Array.from({ length: bytes }, (_, index) => (index + first) & 255)).toString('hex');
}

/** The keys that were in the kernel's ring when the tables were recorded. */
export function recordedRing(): KeyRing {
  const ring = new KeyRing();
  const add = (type: 'user' | 'logon', name: string, size: number, first = 0): void => {
    ring.add(type, name, Buffer.from(hexKey(size, first), 'hex'));
  };
  add('user', 'k32', 32);
  add('logon', 'p:k64', 64);
  add('user', 'k64', 64, 1);
  add('user', 'with:colons:k32', 32, 9);
  add('user', 'k16', 16);
  add('user', 'cafe', 16);
  return ring;
}
