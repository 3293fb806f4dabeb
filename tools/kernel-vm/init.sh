#!/bin/busybox sh
# The first process of the guest: runs the scripts one after the other, and reports over a virtio port.
export PATH=/usr/bin:/bin HOME=/root LC_ALL=C TZ=UTC
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp /root /mnt /etc
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ln -s /proc/self/fd /dev/fd
ln -s /proc/mounts /etc/mtab
# No udev here: libdevmapper makes the nodes itself.
export DM_DISABLE_UDEV=1

# QEMU translates code anew for each address that it runs at: where all programs lie at the same one they start in a third of the time.
echo 0 >/proc/sys/kernel/randomize_va_space

for module in /modules/*; do
  insmod "$module" || echo "cannot load $module"
done
. /run/environment

# No default route: the guest reaches the host, and nothing behind it.
ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
  ip addr add 10.0.2.15/24 dev eth0
  ip link set eth0 up
fi

# Ports and disks are found while this goes on.
until [ -e /dev/vport0p1 ] && [ "$(ls -d /sys/block/vd* 2>/dev/null | wc -l)" -eq "$DISKS" ]; do
  sleep 0.02
done
exec 3<>/dev/vport0p1

# The host never writes: a read ends only when the host has died, and then this machine has to go too.
end_with_host() {
  cat <&3
  echo b >/proc/sysrq-trigger
}

# Frames, as machine.mjs reads them: "STATUS BYTES BYTES", a line feed, standard output, standard error.
run_script() {
  end_with_host &
  mkdir -p "/run/case/$1"
  cd "/run/case/$1"
  rm -f /run/ended /run/stdout /run/stderr
  mkfifo /run/ended
  exec 4<>/run/ended
  (
    setsid sh "/run/scripts/$1" </dev/null >/run/stdout 2>/run/stderr 3>&- 4>&-
    echo $? >&4
  ) &
  read -r -t "$TIME_LIMIT" status <&4 || status=124
  exec 4>&-
  # Nothing that the script has started lives longer; this process is spared.
  kill -9 -1
  echo "$status $(stat -c %s /run/stdout) $(stat -c %s /run/stderr)" >&3
  cat /run/stdout /run/stderr >&3
}

script=0
while [ -e "/run/scripts/$script" ]; do
  run_script "$script"
  script=$((script + 1))
done
# The host ends the machine when it has read the last frame.
while :; do sleep 60; done
