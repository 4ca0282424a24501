#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# in-root.sh DIR PROGRAM...: becomes PROGRAM as a pod runs it from the images that roots.py has made in
# DIR: its image is its file system, and read-only; it is an unprivileged user without a way to more. So
# much of the environment comes from the image as is not set already. Needs root.

set -euo pipefail

if [[ $1 != --mounted ]]; then
    exec unshare --mount -- "$0" --mounted "$@"
fi
dir=$2 program=$3
mapfile -t image <"$dir/${program##*/}.image" # its root, user, entry point, and environment
[[ $program = "${image[2]}" ]] || { echo "the image starts ${image[2]}, not $program" >&2; exit 1; }
for setting in "${image[@]:3}"; do
    [[ -v ${setting%%=*} ]] || export "${setting?}"
done
root=$dir/${image[0]}
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev" # what every container has there
for device in null zero full random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -o remount,ro "$root/dev"
# pdeathsig is the last, since it does not survive the change of user.
exec setpriv --no-new-privs chroot --userspec="${image[1]}" --groups= "$root" \
    /usr/bin/setpriv --pdeathsig KILL "${@:3}"
