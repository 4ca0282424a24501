#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh PRESET [--programs]: builds build/PRESET (see CMakePresets.json) and the page in build/web;
# with --programs without the tests, and so without what these need. What is up to date is left
# alone, and the compiler is heard only when it has something to say.

set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
tests=ON
[[ ${2:-} != --programs ]] || tests=OFF

cache=build/$preset/CMakeCache.txt
configured() { [[ ! CMakePresets.json -nt $cache ]] && grep -q "^BUILD_TESTING:BOOL=$1" "$cache" 2>/dev/null; }

configured ON || configured "$tests" || cmake --preset "$preset" -DBUILD_TESTING="$tests" >/dev/null
cmake --build --preset "$preset" -- --no-print-directory -s | grep -vE '^\[ *[0-9]+%\]' ||
    [[ ${PIPESTATUS[0]} -eq 0 ]]
npm run --silent build
