#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh: put the MongoDB-wire test server (README.md says which) into DIR.
#
#   install.sh DIR
#
# Needs nothing but Debian 12's apt-get: what is missing of Python comes from
# there, as root or through sudo; the server itself goes into DIR and nowhere
# else. Run again it has nothing to do, unless requirements.txt has changed. Two
# runs at once wait for each other.

set -euo pipefail

say() { printf 'tests/mongo: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# True if python3 can make a virtual environment that holds the server.
python_will_do() {
    python3 -I -c '
import sys, ensurepip, venv
sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# Runs COMMAND... as root, without questions.
as_root() {
    if ((EUID == 0)); then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        command -v sudo >/dev/null || die "this needs root or sudo: $*"
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

install_python() {
    say 'installing Debian packages: python3 python3-venv (about 70 MB)'
    as_root apt-get -qq -o Acquire::Retries=3 update
    as_root apt-get -qq -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
        install --no-install-recommends python3 python3-venv >/dev/null
    hash -r
    python_will_do || die "$(command -v python3) cannot make a virtual environment with Python 3.10 or newer"
}

(($# == 1)) || die "usage: ${0##*/} DIR"

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here wanted=$here/requirements.txt

mkdir -p -- "$1"
dir=$(cd -- "$1" && pwd)
readonly dir venv=$dir/venv installed=$dir/installed.txt

exec 9>"$dir/lock"
flock 9

# Written last, so that a run that was cut off is started anew.
if cmp -s -- "$wanted" "$installed" && [[ -x $venv/bin/python ]]; then
    exit 0
fi

python_will_do || install_python

say "installing into $dir: $(sed -n 's/==/ /p' "$wanted" | paste -sd, | sed 's/,/, /g') (about 150 MB)"
rm -rf -- "$venv" "$installed"
python3 -I -m venv "$venv"
# Wheels only: there may be no compiler here.
"$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check \
    --only-binary :all: --requirement "$wanted" >&2

# An empty settings file, lest the server look for one of somebody else's.
: >"$dir/settings.toml"
cp -- "$wanted" "$installed"
say 'installed'
