#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# format.sh [--check]: formats the C sources; with --check it only says what is not formatted. Debian
# 12's clang-format 14 is the measure: other versions see some lines differently.

set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
[[ ${1:-} != --check ]] || mode=(--dry-run --Werror)
# messages.def is a table, not C.
git ls-files '*.c' '*.h' | xargs -r clang-format-14 "${mode[@]}"
