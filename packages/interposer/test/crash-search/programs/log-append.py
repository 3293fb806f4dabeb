"""log-append.py DISK [FORGET]: appends records to a log on the disk, and prints a line for each that is stable.

Sector 0 counts the records, and record N takes the three sectors from 3 N - 2 on. A record is made stable before it is
counted, and the count before it is told. FORGET is `record` or `count`: the fsync that is missing.
"""

import os
import struct
import sys

disk = os.open(sys.argv[1], os.O_RDWR)
forgotten = sys.argv[2:]
for number in range(1, 11):
    os.pwrite(disk, struct.pack("<I", number) * 384, 512 * (3 * number - 2))
    if "record" not in forgotten:
        os.fsync(disk)
    os.pwrite(disk, struct.pack("<I", number).ljust(512, b"\0"), 0)
    if "count" not in forgotten:
        os.fsync(disk)
    print("appended", number, flush=True)
os.close(disk)
