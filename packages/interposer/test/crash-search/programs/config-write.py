"""config-write.py [--careful] [--keep] DIRECTORY: changes a configuration, by writing a file and renaming it.

It gets the name of the old one, or with --keep one of its own. Each change is noted in a log, which is made stable, and
with it the names. With --careful as it should be done: first the data of the file is made stable, then its name; and then
a line is printed.
"""

import os
import sys

*options, directory = sys.argv[1:]
careful = "--careful" in options


def stabilize(path):
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


for version in range(1, 5):
    with open(f"{directory}/new", "w") as file:
        file.write(f"version {version}\n" * 500)
    if careful:
        stabilize(f"{directory}/new")
    os.rename(f"{directory}/new", f"{directory}/config-{version if '--keep' in options else 0}")
    if careful:
        stabilize(directory)
        print("changed", version, flush=True)
    with open(f"{directory}/changes.log", "a") as log:
        log.write(f"version {version}\n")
    stabilize(f"{directory}/changes.log")
