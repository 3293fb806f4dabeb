import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type koffiModule from 'koffi';

/** The process at the other end of a UNIX socket at the moment when it connected. */
export interface Credentials {
  /** Effective user and group, as numbers. */
  readonly uid: number;
  readonly gid: number;
}

type GetSocketOption = (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  size: Uint32Array,
) => number;

/** The number of the descriptor, which the documentation of `net.Socket` does not name. */
interface SocketWithHandle {
  readonly _handle: { readonly fd?: number } | null;
}

/** Linux: socket(7). `struct ucred` is three 32-bit numbers: process, user, group. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;

let loaded: GetSocketOption | null | undefined;

/**
 * Whether the system can be asked who connected: Node has no function for it, so it takes koffi. The environment variable
 * `INTERPOSER_NO_FFI=1` answers as if that were not installed.
 */
export function knowsCredentials(): boolean {
  if (process.env.INTERPOSER_NO_FFI === '1') return false;
  return (loaded ??= load()) !== null;
}

/** Null where the system does not tell: then nobody is let in by it. */
export function peerCredentials(socket: Socket): Credentials | null {
  const fd = (socket as unknown as SocketWithHandle)._handle?.fd ?? -1;
  if (fd < 0 || !knowsCredentials()) return null;
  const value = Buffer.alloc(UCRED_BYTES);
  const size = new Uint32Array([UCRED_BYTES]);
  if (loaded!(fd, SOL_SOCKET, SO_PEERCRED, value, size) !== 0 || size[0] !== UCRED_BYTES) return null;
  const [, uid, gid] = new Uint32Array(value.buffer, value.byteOffset, 3) as unknown as [
    number,
    number,
    number,
  ];
  return { uid, gid };
}

function load(): GetSocketOption | null {
  const fits = process.platform === 'linux' && ['x64', 'arm64', 'riscv64'].includes(process.arch);
  if (!fits) return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof koffiModule;
    const library = koffi.load(null);
    return library.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)');
  } catch {
    // Not installed, or no binary for this machine.
    return null;
  }
}
