#!/bin/sh
# ext4-make.sh IMAGE COMMAND...: puts an ext4 on the image, with the files that the command makes in the directory it gets as
# its last argument. No step needs a superuser.
set -eu
PATH=$PATH:/usr/sbin:/sbin
image=$1
shift
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$@" "$directory"
# Nothing is initialized later, in the background: what is recorded comes from the program.
mke2fs -q -t ext4 -b 1024 -E lazy_itable_init=0,lazy_journal_init=0 -d "$directory" "$image"
