#!/bin/sh
# ext4-run.sh DISK OPTIONS COMMAND...: mounts the ext4 of the disk through a loop device, runs the command with the directory as
# its last argument, and unmounts. Takes a superuser; run it under `unshare --mount`, and no mount outlives it.
set -eu
PATH=$PATH:/usr/sbin:/sbin
disk=$1
options=$2
shift 2
directory=$(mktemp -d)
trap 'rmdir "$directory"' EXIT
mount -t ext4 -o "loop,$options" "$disk" "$directory"
"$@" "$directory"
umount "$directory"
