#!/bin/sh
# ext4-take.sh IMAGE COMMAND...: checks the ext4 of an image as the boot after a power cut does, takes the files out and runs
# the command with their directory as its last argument. No step needs a superuser.
set -eu
PATH=$PATH:/usr/sbin:/sbin
image=$1
shift
# In the folder of the check, which goes with it however it ends.
directory=$(mktemp -d -p "$PWD")
trap 'rm -rf "$directory"' EXIT
# It replays the journal, and tells by exit code 1 that there was something to correct.
e2fsck -fy "$image" >"$directory/fsck" 2>&1 || [ $? -eq 1 ] || {
  cat "$directory/fsck"
  exit 1
}
mkdir "$directory/files"
debugfs -R "rdump / $directory/files" "$image" >/dev/null 2>&1
"$@" "$directory/files"
