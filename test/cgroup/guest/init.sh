#!/bin/busybox sh
# The first process of the emulated machine. It ends as systemd, whose last unit turns the machine off.
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
node /test/without_systemd.cjs >/dev/ttyS1 || echo '{"row":"failed","part":"without_systemd"}' >/dev/ttyS1
# systemd gives services a root of their own (pivot_root(2)), which the kernel refuses on the file system that it unpacked itself: on a mount of it, it does not.
mount --rbind / /newroot
cd /newroot
mount --move . /
export SYSTEMD_UNIT_PATH=/units
exec chroot . /lib/systemd/systemd --system --unit=test.target --log-target=console --log-level=notice --show-status=no
