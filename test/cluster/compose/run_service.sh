#!/bin/sh
# A service of a Compose file without a container engine: in mounts of its own, which end with it, then as its user.
#   run_service.sh <scratch folder> <uid:gid> <size of /dev/shm> <mounts> <command>...
# <mounts>: lines "bind <source> <place>" and "tmpfs <place> <mode>". The scratch folder is empty, and nothing is left in it.
set -eu
scratch=$1 user=$2 shm=$3 mounts=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/etc"
cp -a /etc/. "$scratch/etc/"
mount --bind "$scratch/etc" /etc
# The machine's own state is none of a container's business.
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o size="$shm",mode=1777 tmpfs /dev/shm
printf '%s\n' "$mounts" | while read -r kind first second; do
  case $kind in
  bind)
    mkdir -p "$(dirname "$second")"
    touch "$second"
    mount --bind "$first" "$second"
    mount -o remount,bind,ro "$second"
    ;;
  tmpfs)
    mkdir -p "$first"
    mount -t tmpfs -o "$second" tmpfs "$first"
    ;;
  esac
done
exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups -- setpriv --pdeathsig KILL -- "$@"
