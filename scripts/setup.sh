#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# setup.sh build|run|test: installs what is missing on this machine to build Easel, to run it too (with a
# broker), or to test it too.
#
# It says first what it installs. Debian's packages come by apt-get (as root, or with sudo), the
# page's and the tests' npm packages from the lock file into node_modules. Nothing that is already
# there is touched, so the second run takes a moment.

set -euo pipefail
cd "$(dirname "$0")/.."

# What may also have come from elsewhere than Debian is looked for as a command: "command:package".
readonly BUILD_COMMANDS="gcc:gcc make:make cmake:cmake pkg-config:pkg-config node:nodejs npm:npm"
readonly BUILD_PACKAGES="libc6-dev libuv1-dev libwebsockets-dev libwebsockets-evlib-uv libssl-dev
    librabbitmq-dev libmsgpack-dev libjwt-dev libjansson-dev libsqlite3-dev libmongoc-dev
    ca-certificates"
readonly RUN_PACKAGES="rabbitmq-server"
readonly TEST_COMMANDS="clang:clang clang-tidy:clang-tidy chromium:chromium sqlite3:sqlite3 git:git python3:python3 openssl:openssl"
# g++ brings the C++ library that libFuzzer is linked with.
readonly TEST_PACKAGES="check g++ libclang-rt-dev python3-venv python3-prometheus-client debootstrap"

say() { printf '== %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

missing_packages() { # COMMANDS PACKAGES
    local pair package
    for pair in $1; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"
    done
    for package in $2; do
        [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) = *" installed" ]] || echo "$package"
    done
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@" # sudo drops the environment
    fi
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages "$1" "$2")
    [[ ${#packages[@]} -gt 0 ]] || return 0
    say "Installing what is missing, with apt-get: ${packages[*]}"
    command -v apt-get >/dev/null ||
        die "there is no apt-get here; please install the packages named above in your system's way"
    [[ $EUID -eq 0 ]] || command -v sudo >/dev/null ||
        die "this needs root: please run apt-get install ${packages[*]}"
    as_root apt-get -q update
    as_root apt-get -qy install --no-install-recommends -o Dpkg::Use-Pty=0 "${packages[@]}"
}

# What the page is made of is in "dependencies", what only tests need in "devDependencies".
install_npm_packages() { # build|test
    local omit=--omit=dev
    [[ $1 = build ]] || omit=--include=dev
    [[ $(node -p 'Number(process.versions.node.split(".")[0])') -ge 18 ]] ||
        die "Node.js 18 or newer is needed; this is $(node --version)"
    # Says which lock file node_modules was made from; that of the tests serves both.
    if [[ node_modules/.easel-test -nt package-lock.json ||
          node_modules/.easel-$1 -nt package-lock.json ]]; then
        return 0
    fi
    say "Installing the npm packages of package-lock.json into node_modules"
    npm ci --ignore-scripts --no-progress "$omit"
    touch "node_modules/.easel-$1"
}

case ${1:-} in
    build) install_packages "$BUILD_COMMANDS" "$BUILD_PACKAGES" ;;
    run) install_packages "$BUILD_COMMANDS" "$BUILD_PACKAGES $RUN_PACKAGES" ;;
    test) install_packages "$BUILD_COMMANDS $TEST_COMMANDS" "$BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES" ;;
    *) die "usage: setup.sh build|run|test" ;;
esac
install_npm_packages "${1/run/build}"
