#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# install.sh SERVICE: in an image, installs what packages.txt says, and leaves nothing else behind.

set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
packages=
for names in $(sed -n "s/^$1: //p" "$(dirname "$0")/packages.txt"); do
    for name in $(echo "$names" | tr '|' ' '); do
        ! apt-cache show "$name" >/dev/null 2>&1 || break
    done
    packages="$packages $name" # the last one, if there is none: then apt-get says so
done
# shellcheck disable=SC2086 # words
apt-get -qy install --no-install-recommends -o Dpkg::Use-Pty=0 $packages
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
