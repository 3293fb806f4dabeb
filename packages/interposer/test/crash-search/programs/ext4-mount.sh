#!/bin/sh
# ext4-mount.sh IMAGE COMMAND...: mounts the ext4 of an image through a loop device, so that the kernel replays its journal, and
# runs the command with the directory as its last argument. Takes a superuser; run it under `unshare --mount`.
set -eu
PATH=$PATH:/usr/sbin:/sbin
image=$1
shift
# In the folder of the check, which goes with it however it ends.
directory=$(mktemp -d -p "$PWD")
trap 'rmdir "$directory"' EXIT
# A superblock that is torn takes a check first, which finds another one.
mount -t ext4 -o loop "$image" "$directory" 2>/dev/null || {
  e2fsck -fy "$image" >/dev/null 2>&1 || [ $? -eq 1 ]
  mount -t ext4 -o loop "$image" "$directory"
}
code=0
"$@" "$directory" || code=$?
umount "$directory"
exit $code
