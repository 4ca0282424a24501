# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For scripts that wait until a deadline: bash's own SECONDS are of the wall clock, which may be set at any moment.

# Sets now, the seconds since the machine's start. Starts no process.
clock() { read -r now _ </proc/uptime; now=${now%.*}; }
