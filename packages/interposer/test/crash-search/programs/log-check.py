"""log-check.py IMAGE PROMISES: whether a log of log-append.py has every record that was told, and whole ones only."""

import struct
import sys

with open(sys.argv[2]) as promises:
    told = len(promises.readlines())
with open(sys.argv[1], "rb") as image:
    (count,) = struct.unpack("<I", image.read(512)[:4])
    if count < told:
        sys.exit(f"{told} records were told, {count} are there")
    for number in range(1, count + 1):
        if image.read(1536) != struct.pack("<I", number) * 384:
            sys.exit(f"record {number} of {count} is damaged")
