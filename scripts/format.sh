#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# format.sh [--check]: formats the C sources; with --check it only says what is not formatted. The measure is
# clang-format 14, since other versions see some lines differently: where there is none, pip's in build/format.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly version=14.0.6

formatter() {
    local one
    for one in clang-format-14 clang-format; do
        [[ $("$one" --version 2>/dev/null) != *" version 14."* ]] || { echo "$one"; return; }
    done
    if [[ ! -x build/format/bin/clang-format ]]; then
        python3 -I -m venv build/format
        build/format/bin/pip install --quiet --disable-pip-version-check "clang-format==$version" >&2
    fi
    echo build/format/bin/clang-format
}

mode=(-i)
[[ ${1:-} != --check ]] || mode=(--dry-run --Werror)
# messages.def is a table, not C.
git ls-files '*.c' '*.h' | xargs -r "$(formatter)" "${mode[@]}"
