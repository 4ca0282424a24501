#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build-before.sh [COMMIT]: builds the programs of the version before this one, from git, in build/before: in a
# rolling update both run side by side, and tests let them. Which one it is stands in tests/before. With COMMIT the
# programs of that one, in build/before/COMMIT, to be measured beside (tests/load/before.mjs).

set -euo pipefail
cd "$(dirname "$0")/.."

commit=${1:-$(<tests/before)}
dir=$PWD/build/before/$commit
[[ ! -e $dir/done ]] || exit 0
rm -rf "$dir"
mkdir -p "$dir"
git archive "$commit" | tar -x -C "$dir"
ln -s "$PWD/node_modules" "$dir/node_modules"
# It asked for msgpack by a name that not every system has.
if ! pkg-config --exists msgpack; then
    mkdir "$dir/pkgconfig"
    printf 'Name: msgpack\nDescription: msgpack\nVersion: 0\nLibs: -lmsgpack-c\n' >"$dir/pkgconfig/msgpack.pc"
    export PKG_CONFIG_PATH=$dir/pkgconfig
fi
# Its own warnings are its own business.
CFLAGS=-w "$dir/scripts/build.sh" release --programs
[[ $# -eq 1 ]] || ln -sfn "$commit/build/release" build/before/release
touch "$dir/done"
