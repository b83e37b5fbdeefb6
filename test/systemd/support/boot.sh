#!/bin/bash
# Runs in namespaces of its own (pid, mount, cgroup, uts, ipc, net): makes them a small machine and becomes its systemd. What it writes to goes with them.
# $1: a folder with the units of the machine; $2: packaging/systemd
set -e
mount --make-rprivate /
mount -t proc proc /proc
# Settings of the kernel are the host's.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
mount -t tmpfs tmpfs /run
mkdir -p /run/units /run/etc
cp -r "$1"/. /run/units
cp -a /etc/. /run/etc
mount --bind /run/etc /etc
for folder in /var/lib /var/log /tmp /var/tmp; do mount -t tmpfs tmpfs "$folder"; done
chmod 1777 /tmp /var/tmp
# As docs/operations.md says to install.
install -D -m 0644 "$2/alirtcd.sysusers" /etc/sysusers.d/alirtcd.conf
systemd-sysusers /etc/sysusers.d/alirtcd.conf
install -D -m 0644 "$2/alirtcd.tmpfiles" /etc/tmpfiles.d/alirtcd.conf
systemd-tmpfiles --create /etc/tmpfiles.d/alirtcd.conf
install -d -m 0750 -o root -g alirtcd /etc/alirtcd
install -m 0640 -g alirtcd "$2/alirtcd.yaml" /etc/alirtcd/alirtcd.yaml
export container=small SYSTEMD_UNIT_PATH=/run/units
exec /lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=no
