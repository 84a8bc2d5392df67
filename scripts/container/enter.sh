#!/bin/sh
# Run a program as a container would: enter.sh ROOT BASE MOUNT… -- SETPRIV-OPTION… -- WORKDIR COMMAND…
# Runs as process 1 of its own namespaces (unshare --mount --pid --fork), so its mounts end with it.
# MOUNT is `tmpfs PATH`, `bind FOLDER PATH`, `bind-ro FOLDER PATH`, or, as the last one, `read-only`.
set -eu
root=$1 base=$2
shift 2
mount --bind "$root" "$root"
mount --bind /etc "$root/etc"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount --bind "$base" "$root/usr/local"
while [ "$1" != -- ]; do
  case $1 in
    tmpfs) mount -t tmpfs -o mode=1777 tmpfs "$root$2"; shift 2 ;;
    bind) mount --bind "$2" "$root$3"; shift 3 ;;
    bind-ro) mount --bind "$2" "$root$3"; mount -o remount,bind,ro "$root$3"; shift 3 ;;
    read-only)
      mount -o remount,bind,ro "$root/usr/local"
      mount -o remount,bind,ro "$root"
      shift
      ;;
    *) echo "unknown mount: $1" >&2; exit 125 ;;
  esac
done
shift
setpriv=
while [ "$1" != -- ]; do
  setpriv="$setpriv $1"
  shift
done
shift
# The options contain no spaces.
# shellcheck disable=SC2086
exec chroot "$root" setpriv $setpriv env --chdir "$@"
