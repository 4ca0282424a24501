#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh PRESET: builds build/PRESET (see CMakePresets.json) and the page in build/web. What is
# up to date is left alone; the compiler is heard only when it has something to say.

set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
[[ -f build/$preset/CMakeCache.txt ]] || cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" -- --no-print-directory -s | grep -vE '^\[ *[0-9]+%\]' || [[ ${PIPESTATUS[0]} -eq 0 ]]
npm run --silent build
