#!/bin/busybox sh
# The first process of the emulated machine, whose kernel is told what it is for: part=without_systemd, or part=with_systemd.
set -e
export PATH=/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
chmod 1777 /tmp /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
# So that memory.swap.max has something to keep cores from.
insmod /brd.ko rd_nr=1 rd_size=262144
mkswap /dev/ram0 >/dev/null
swapon /dev/ram0
if grep -q part=without_systemd /proc/cmdline; then
  node /test/without_systemd.cjs >/dev/ttyS1 || true
  exec poweroff -f
fi
# systemd gives services a root of their own (pivot_root(2)), which the kernel refuses on the file system that it unpacked itself: on a mount of it, it does not.
mount --rbind / /newroot
cd /newroot
mount --move . /
export SYSTEMD_UNIT_PATH=/units
exec chroot . /lib/systemd/systemd --system --unit=test.target --log-target=console --log-level=notice --show-status=no
