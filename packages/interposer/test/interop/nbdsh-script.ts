import { IMAGE_BYTES, UNIT, RUNS } from './images.ts';

/** What the script works on. */
export interface NbdshScene {
  readonly uri: string;
  /** The image below the export, fresh. */
  readonly image: string;
  readonly exportName: string;
  readonly tls: boolean;
}

/** A session of python3-libnbd that does by hand what no other client does, on a fresh image. */
export function nbdshScript({ uri, image, exportName, tls }: NbdshScene): string {
  const entries = RUNS.flatMap(({ length, data }) => [length, data ? 0 : 3]);
  return `
import os
UNIT = ${String(UNIT)}
h.set_uri_allow_local_file(True)
h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
h.set_opt_mode(True)
h.connect_uri(${JSON.stringify(uri)})
assert h.get_tls_negotiated() == ${tls ? 'True' : 'False'}

# The negotiation, step by step.
names = []
h.opt_list(lambda name, description: names.append(name))
assert names == [${JSON.stringify(exportName)}], names
contexts = []
h.opt_list_meta_context(lambda name: contexts.append(name))
assert contexts == ["base:allocation"], contexts
h.opt_info()
size = h.get_size()
h.set_export_name("no-such-export")
try:
    h.opt_info()
    raise AssertionError("there is an export of any name")
except nbd.Error as e:
    assert e.errno == "ENOENT", e
h.set_export_name(${JSON.stringify(exportName)})
h.opt_go()
assert size == h.get_size() == ${String(IMAGE_BYTES)}
assert h.get_structured_replies_negotiated()
assert h.can_df() and h.can_cache() and h.can_zero() and h.can_fua() and h.can_multi_conn()

# The layout of the image.
def status(length, offset):
    found = []
    h.block_status(length, offset, lambda context, at, entries, error: found.extend(entries))
    return found
assert status(size, 0) == [${entries.join(', ')}], status(size, 0)

# A sparse read is a chunk of data and a hole; with DF, one chunk.
def chunks(length, offset, flags=0):
    found = []
    data = h.pread_structured(length, offset,
        lambda part, at, kind, error: found.append((at, len(part), kind)), flags)
    return bytes(data), found
data, found = chunks(2 * UNIT, 0)
assert data[UNIT:] == bytes(UNIT) and 0 not in data[:UNIT]
assert sorted(found) == [(0, UNIT, nbd.READ_DATA), (UNIT, UNIT, nbd.READ_HOLE)], found
assert chunks(65536, UNIT - 4096, nbd.CMD_FLAG_DF)[1] == [(UNIT - 4096, 65536, nbd.READ_DATA)]

# Zeroes stay allocated with NO_HOLE, and free the blocks without.
def blocks():
    return os.stat(${JSON.stringify(image)}).st_blocks
before = blocks()
h.zero(65536, 0, nbd.CMD_FLAG_NO_HOLE)
assert blocks() == before, (blocks(), before)
h.zero(65536, 65536)
assert blocks() == before - 128, (blocks(), before)
assert status(65536, 65536) == [65536, nbd.STATE_HOLE | nbd.STATE_ZERO], status(65536, 65536)
assert h.pread(131072, 0) == bytes(131072)
if h.can_fast_zero():
    h.zero(65536, 131072, nbd.CMD_FLAG_FAST_ZERO)
    assert h.pread(65536, 131072) == bytes(65536)

h.pwrite(b"by hand" * 1000, 3 * UNIT + 1, nbd.CMD_FLAG_FUA)
h.flush()
h.cache(UNIT, 0)
assert h.pread(7000, 3 * UNIT + 1) == b"by hand" * 1000
h.trim(UNIT, 6 * UNIT)
assert h.pread(512, 7 * UNIT) == bytes(512)

# Several in flight.
buffers = [nbd.Buffer(4096) for _ in range(64)]
cookies = [h.aio_pread(buffer, 4096 * at + 3 * UNIT) for at, buffer in enumerate(buffers)]
while h.aio_in_flight() > 0:
    h.poll(-1)
assert all(h.aio_command_completed(cookie) for cookie in cookies)
assert bytes(buffers[0].to_bytearray())[1:8] == b"by hand"
h.shutdown()
`;
}
