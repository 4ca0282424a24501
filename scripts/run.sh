#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh GATEWAYS BOARDS HISTORIES HOST PORT: Easel on this machine, with a private RabbitMQ.
#
# Boards, the signing secret and the logs are kept in $DATA. A process that dies is named and started
# again after a second. Ctrl-C stops everything, in order. Settings of the services (see their
# --help) may be given in the environment.

set -uo pipefail
umask 077 # boards and logs, too, are for you alone
cd "$(dirname "$0")/.."

readonly gateways=$1 boards=$2 histories=$3 host=$4
port=$5
readonly data=${DATA:-data} bin=build/release

names=()           # of the processes, in the order of their start
declare -A pid=()  # name -> process id
declare -A call=() # name -> the command that starts it

say() { printf '%s\n' "$@"; }
die() { printf 'easel: %s\n' "$*" >&2; exit 1; }

# --- Processes -----------------------------------------------------------------------------------

# In a session of its own, so that Ctrl-C reaches this script alone. Should this script be killed,
# the kernel tells the process to end.
launch() { # NAME
    (eval "${call[$1]}") >>"$data/log/$1.log" 2>&1 </dev/null &
    pid[$1]=$!
}

start() { # NAME PROGRAM [SETTING=VALUE...]
    local name=$1 program=$2
    shift 2
    names+=("$name")
    call[$name]="${*:+export ${*@Q};} exec setsid setpriv --pdeathsig TERM $program"
    : >"$data/log/$name.log"
    launch "$name"
}

runs() { kill -0 "${pid[$1]}" 2>/dev/null; }

# Gateways first, so that their clients hear of it; the broker last, since all say goodbye by it.
stop_all() {
    local kind name
    trap '' INT TERM HUP
    say "" "Stopping."
    for kind in gateway board history broker; do
        for name in "${names[@]}"; do
            [[ $name != "$kind"* ]] || kill -TERM "${pid[$name]}" 2>/dev/null
        done
        for name in "${names[@]}"; do
            [[ $name != "$kind"* ]] || await_end "$name"
        done
    done
}

await_end() { # NAME, of a process that was told to end
    local deadline=$((SECONDS + 10))
    while runs "$1"; do
        ((SECONDS < deadline)) || kill -KILL "${pid[$1]}" 2>/dev/null
        sleep 0.1
    done
}

watch_over_all() {
    local name
    while :; do
        sleep 1 &
        wait $!
        for name in "${names[@]}"; do
            runs "$name" && continue
            wait "${pid[$name]}"
            say "$name died ($(cause $?)) and is started again; its log: $data/log/$name.log"
            launch "$name"
        done
    done
}

cause() { # STATUS
    (($1 > 128)) && echo "signal $(($1 - 128))" || echo "exit status $1"
}

# --- What a service needs ------------------------------------------------------------------------

# The links that people have are signed with it: made once, kept, and readable by you alone.
make_secret() {
    [[ -s $data/secret ]] || {
        head -c 32 /dev/urandom | base64 -w 0 >"$data/secret.new" && mv "$data/secret.new" "$data/secret"
    }
}

listens() { # HOST PORT
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# Asks by HTTP, with nothing but this shell.
answers_200() { # HOST PORT PATH
    local version status
    {
        exec 3<>"/dev/tcp/$1/$2" && printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$3" "$1" >&3 &&
            read -r -t 2 version status _ <&3 && [[ $status = 200 ]]
    } 2>/dev/null
    local result=$?
    exec 3>&-
    return $result
}

await_ready() { # NAME, of a service
    local deadline=$((SECONDS + 30)) address
    until address=$(grep -oE 'admin on http://[^ ]+' "$data/log/$1.log" | tail -n 1) && [[ $address ]] &&
        address=${address##*/} && answers_200 "${address%:*}" "${address##*:}" /readyz; do
        runs "$1" || die "$1 did not start: $(tail -n 3 "$data/log/$1.log")"
        ((SECONDS < deadline)) || die "$1 does not get ready; its log: $data/log/$1.log"
        sleep 0.1
    done
}

await_line() { # NAME LINE
    until grep -q "$2" "$data/log/$1.log"; do
        runs "$1" || die "$1 did not start: $(tail -n 3 "$data/log/$1.log")"
        sleep 0.1
    done
}

# --- All of it -----------------------------------------------------------------------------------

for count in "$gateways" "$boards" "$histories"; do
    [[ $count =~ ^[1-9][0-9]?$ ]] || die "GATEWAYS, BOARDS and HISTORIES are numbers from 1 to 99, not $count"
done
mkdir -p "$data/log" || exit 1
exec 9>"$data/lock"
flock -n 9 || die "Easel runs already on $data; make run DATA=... starts another one"
make_secret
trap stop_all EXIT
trap 'exit 0' INT TERM HUP

say "Starting a private RabbitMQ, $histories history, $boards board and $gateways gateway service(s)."
start broker "scripts/broker.sh ${data@Q}/rabbitmq 0"
await_line broker '^ready$'
EASEL_AMQP=$(scripts/broker.sh url "$data/rabbitmq")

for ((i = 1; i <= histories; i++)); do
    start "history-$i" $bin/history-service/easel-history \
        "EASEL_AMQP=$EASEL_AMQP" "EASEL_STORE=${EASEL_STORE:-sqlite:$data/easel.db}"
done
for ((i = 1; i <= boards; i++)); do
    start "board-$i" $bin/board-service/easel-board "EASEL_AMQP=$EASEL_AMQP"
done
urls=()
for ((i = 1; i <= gateways; i++, port++)); do
    while listens "${host/#0.0.0.0/127.0.0.1}" "$port"; do
        ((port++))
    done
    start "gateway-$i" $bin/gateway/easel-gateway "EASEL_AMQP=$EASEL_AMQP" \
        "EASEL_HOST=$host" "EASEL_PORT=$port" "EASEL_SECRET=$(<"$data/secret")" EASEL_DRAIN_GRACE_S=1
    urls+=("http://${host/#0.0.0.0/localhost}:$port/")
done
for name in "${names[@]:1}"; do
    await_ready "$name"
done

say "" "Easel is here:" ""
printf '    %s\n' "${urls[@]}"
[[ $host != 0.0.0.0 ]] || say "" "and for others in this network at: $(hostname -I)"
say "" "Make a board there and send its link to a friend. Boards are kept in $data/. Ctrl-C stops Easel."
watch_over_all 2>/dev/null # where the shell, too, would tell of each death
