#!/bin/bash
# What a container engine does with an image: its root read-only, /proc, /dev and folders of its own, a user that is not root, no new privileges. Process 1 of a
# process namespace, in a mount namespace that ends with it: container.sh <root> <user>:<group> <program> [argument...]
# VOLUMES has lines "<folder outside>:<folder inside>", ENVIRONMENT lines "NAME=value".
set -eu
root=$1 user=$2
shift 2
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=0755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir -m 1777 "$root/dev/shm"
# What Docker gives when nobody says more.
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size=64m tmpfs "$root/dev/shm"
while IFS=: read -r outside inside; do
  mkdir -p "$root$inside"
  mount --bind "$outside" "$root$inside"
done <<< "$VOLUMES"
mount -o remount,bind,ro "$root"
mapfile -t environment <<< "$ENVIRONMENT"
exec setpriv --no-new-privs -- chroot --userspec="$user" --groups= "$root" /usr/bin/env -i "${environment[@]}" "$@"
