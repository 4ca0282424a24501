#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# start.sh: run the test server that install.sh has put into DIR.
#
#   start.sh DIR DATA PORT [SERVER OPTION...]
#
# Listens on 127.0.0.1:PORT and keeps its files in the directory DATA, made if
# missing. This shell becomes the server: its pid is the server's, SIGTERM stops
# it in order (that takes two seconds), SIGKILL is a crash. It is ready when
# "listening on" appears on stderr. It calls itself the primary of the replica
# set "secantus"; with the option --standalone it is a lone server.

set -euo pipefail

if (($# < 3)); then
    printf 'usage: %s DIR DATA PORT [SERVER OPTION...]\n' "${0##*/}" >&2
    exit 1
fi
dir=$1 data=$2 port=$3
shift 3

# The caller's environment must not change how durable the server is.
for name in "${!SECANTUS_@}"; do
    unset "$name"
done

mkdir -p -- "$data"
# Test commands: configureFailPoint, with which a test makes the server fail.
exec "$dir/venv/bin/python" -I -m secantus --config "$dir/settings.toml" \
    --host 127.0.0.1 --port "$port" --storage-path "$data" \
    --enable-test-commands "$@"
