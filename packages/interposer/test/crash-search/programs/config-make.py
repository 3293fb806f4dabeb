"""config-make.py DIRECTORY: the first configuration."""

import sys

with open(f"{sys.argv[1]}/config-0", "w") as file:
    file.write("version 0\n" * 500)
