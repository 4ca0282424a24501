#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A private RabbitMQ node for development and tests. Everything of it is below DIR, its ports are its
# own, and it ends with the script: neither a broker of the system nor another one of ours is touched.
# Nobody else gets in: all its ports, also those of Erlang, are of 127.0.0.1; its one user has a password,
# and Erlang a cookie, that were made at random for DIR and are readable by you alone.
#
#   broker.sh DIR PORT       runs it in the foreground, says "ready"; ends at TERM or INT
#   broker.sh start DIR      runs it in the background and prints its URL; the same one each time
#   broker.sh stop DIR       ends the one that was started, and returns when it is gone
#   broker.sh url DIR        prints its URL, with the password
#   broker.sh ctl DIR ARG... rabbitmqctl for it
#
# EASEL_BROKER_CONF, if set, names a file with more lines for rabbitmq.conf of a node that is new.

set -euo pipefail
umask 077
# shellcheck source=scripts/clock.sh
source "${0%/*}/clock.sh"

readonly rabbit=/usr/lib/rabbitmq/bin # not the wrappers in /usr/sbin: they change user and HOME
readonly start_seconds=60 stop_seconds=20
readonly user=easel loopback_erlang='-kernel inet_dist_use_interface {127,0,0,1}'

say() { printf '%s\n' "$*"; }
die() { printf 'broker: %s\n' "$*" >&2; exit 1; }

answers() { # PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Below the ports that the kernel gives to outgoing connections.
free_port() {
    local port
    while port=$((10000 + (RANDOM << 2 ^ RANDOM) % 20000)) && answers "$port"; do :; done
    echo "$port"
}

# The settings of the node in DIR, made at its first start.
load() { # DIR
    dir=$(cd "$1" && pwd)
    [[ -f $dir/env ]] || die "no broker in $1"
    # shellcheck source=/dev/null
    . "$dir/env"
}

random_text() { head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n'; }

# The password comes last: where it is, the rest is. A node made by a version before, whose user was
# guest, is made anew: a broker stores nothing that must be kept.
make_secrets() {
    [[ ! -s $dir/password ]] || return 0
    rm -rf "$dir/env" "$dir/data" "$dir/home"
    mkdir "$dir/data" "$dir/home"
    random_text >"$dir/home/.erlang.cookie"
    chmod 400 "$dir/home/.erlang.cookie"
    random_text >"$dir/password.new"
    mv "$dir/password.new" "$dir/password"
}

make() { # DIR PORT
    mkdir -p "$1/log"
    dir=$(cd "$1" && pwd)
    make_secrets
    if [[ -f $dir/env ]]; then
        load "$dir"
        [[ $PORT = "$2" || $2 = 0 ]] && return
    fi
    local port=$2
    [[ $port != 0 ]] || port=$(free_port)
    rm -f "$dir/env" "$dir/rabbitmq.conf" # whatever could be read by others before
    cat >"$dir/env" <<END
PORT=$port
export HOME='$dir/home' ERL_EPMD_PORT=$(free_port) ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=easel@localhost RABBITMQ_DIST_PORT=$(free_port)
export RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE='$dir/rabbitmq.conf'
export RABBITMQ_ADVANCED_CONFIG_FILE='$dir/advanced.config'
export RABBITMQ_ENABLED_PLUGINS_FILE='$dir/plugins' RABBITMQ_PID_FILE='$dir/rabbitmq.pid'
export RABBITMQ_MNESIA_BASE='$dir/data' RABBITMQ_LOG_BASE='$dir/log'
export RABBITMQ_GENERATED_CONFIG_DIR='$dir/config'
# Erlang's own port between nodes is of this host only, that of rabbitmqctl, too.
export RABBITMQ_CTL_ERL_ARGS="$loopback_erlang"
# One scheduler takes a quarter off the broker's CPU, and at most one core.
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 $loopback_erlang"
# Without a shell process in between, so that the process that we start is the node.
export RUNNING_UNDER_SYSTEMD=true
unset NOTIFY_SOCKET
END
    cat >"$dir/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$port
default_user = $user
default_pass = $(<"$dir/password")
# Absolute, since it would take the memory of the host for that of the container.
vm_memory_high_watermark.absolute = 512MiB
disk_free_limit.absolute = 50MB
END
    [[ -z ${EASEL_BROKER_CONF:-} ]] || cat "$EASEL_BROKER_CONF" >>"$dir/rabbitmq.conf"
    echo '[].' >"$dir/advanced.config"
    echo '[].' >"$dir/plugins"
    load "$dir"
}

runs() { kill -0 "$1" 2>/dev/null; }

end() { # PID
    kill -TERM "$1" 2>/dev/null || return 0
    local now deadline
    clock
    deadline=$((now + stop_seconds))
    while runs "$1"; do
        clock
        ((now < deadline)) || kill -KILL "$1" 2>/dev/null || true
        sleep 0.05
    done
}

# epmd would be started by the node as a daemon that outlives it; so we start it first.
launch() { # DIR PORT; sets epmd and node, or problem
    make "$1" "$2"
    problem="port $PORT is taken"
    ! answers "$PORT" || return 1
    cd "$dir" # where Erlang leaves its dumps
    setpriv --pdeathsig TERM epmd &
    epmd=$!
    setpriv --pdeathsig TERM "$rabbit/rabbitmq-server" >"$dir/log/console" 2>&1 </dev/null &
    node=$!
    # shellcheck disable=SC2064
    trap "trap '' INT TERM; end $node; end $epmd; exit 0" INT TERM
    await_ready "$node" && return
    problem="did not start; see $dir/log"
    end "$node"
    end "$epmd"
    return 1
}

# Of nodes that start together two may pick one port, and one of them does not start then. It picks again, if it
# is new: nobody has been told its address.
foreground() { # DIR PORT
    local epmd node problem at tries=3
    mkdir -p "$1"
    at=$(cd "$1" && pwd)
    [[ $2 = 0 && ! -f $at/env ]] || tries=1
    until launch "$at" "$2"; do
        ((--tries)) || die "$problem"
        rm -f "$at/password" # all of it is made anew
    done
    say ready
    wait "$node" || true
    end "$epmd"
    die "the node ended by itself; see $dir/log"
}

# The node says it itself: at its port somebody else may answer.
await_ready() { # PID
    local now deadline
    clock
    deadline=$((now + start_seconds))
    until grep -q ' completed with [0-9]* plugins' "$dir/log/console" && answers "$PORT"; do
        clock
        runs "$1" && ((now < deadline)) || return 1
        sleep 0.1
    done
}

start() { # DIR
    mkdir -p "$1/log"
    local dir script
    dir=$(cd "$1" && pwd)
    : >"$dir/log/script" # a "ready" of the last time
    setsid "$0" "$dir" 0 >"$dir/log/script" 2>&1 </dev/null &
    script=$!
    echo "$script" >"$dir/pid"
    until grep -q '^ready$' "$dir/log/script"; do
        runs "$script" || die "$(cat "$dir/log/script")"
        sleep 0.05
    done
    load "$dir"
    url
}

url() { say "amqp://$user:$(<"$dir/password")@127.0.0.1:$PORT/"; }

stop() { # DIR
    load "$1"
    [[ -f $dir/pid ]] || return 0
    local script
    script=$(<"$dir/pid")
    rm "$dir/pid"
    kill -TERM "$script" 2>/dev/null || return 0
    local now deadline
    clock
    deadline=$((now + 2 * stop_seconds + 5))
    while runs "$script"; do
        clock
        ((now < deadline)) || die "process $script does not end"
        sleep 0.05
    done
}

case ${1:-} in
    start) start "$2" ;;
    stop) stop "$2" ;;
    url)
        load "$2"
        url
        ;;
    ctl)
        load "$2"
        exec "$rabbit/rabbitmqctl" "${@:3}"
        ;;
    *)
        [[ $# -eq 2 ]] || die "usage: broker.sh DIR PORT | start DIR | stop DIR | url DIR | ctl DIR ARG..."
        foreground "$1" "$2"
        ;;
esac
