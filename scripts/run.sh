#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh GATEWAYS BOARDS HISTORIES HOST PORT: Easel on this machine, with a private RabbitMQ.
#
# Boards, the signing secret and the logs are kept in $DATA. A process that dies is named and started
# again after a second; so is one that lives and answers nobody, after some 15 s. Ctrl-C stops everything, in
# order. Settings of the services (see their --help) may be given in the environment.
#
# A shell that cannot start a process ends. So while all is well this one starts none but those that ask, and if
# it must end for that reason it takes its own place (see leave): the services notice nothing.

set -uo pipefail
umask 077 # boards and logs, too, are for you alone
cd "${0%/*}/.." || exit 1
# shellcheck source=scripts/clock.sh
source scripts/clock.sh || exit 1

readonly arguments=("$@") gateways=$1 boards=$2 histories=$3 host=$4
port=$5
readonly data=${DATA:-data} bin=build/release
# All are asked every so many seconds, and have as many to answer. Who did not so many times in a row is
# named, and ended if that helps.
readonly ask_seconds=${ASK_S:-3} bad_max=5

names=()           # of the processes, in the order of their start
declare -A pid=()  # name -> process id
declare -A call=() # name -> the command that starts it
declare -A from=() # name -> where its log goes on since its last start
declare -A door=() # name -> where it answers, as its log says since then; of the broker: ready

say() { printf '%s\n' "$@"; }
die() { printf 'easel: %s\n' "$*" >&2; exit 1; }

# --- Processes -----------------------------------------------------------------------------------

# In a session of its own, so that Ctrl-C reaches this script alone. Should this script be killed,
# the kernel tells the process to end.
launch() { # NAME
    from[$1]=$(($(stat -c %s "$data/log/$1.log") + 1)) door[$1]=''
    (eval "${call[$1]}") >>"$data/log/$1.log" 2>&1 </dev/null 8>&- &
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

# Sets state, a letter: R, S, T ...; none when there is no such process.
state_of() { # PID
    local stat=''
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null
    stat=${stat##*) }
    state=${stat%% *}
}

lives() { state_of "$1"; [[ $state && $state != Z ]]; } # PID
runs() { lives "${pid[$1]}"; }                           # NAME

pause() { read -r -t "$1" -u 8; } # SECONDS; nothing ever comes there. Without another process

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
    local now deadline
    clock
    deadline=$((now + 10))
    while runs "$1"; do
        clock
        ((now < deadline)) || kill -KILL "${pid[$1]}" 2>/dev/null
        pause 0.1
    done
}

watch_over_all() {
    local name now ask_at=0
    while :; do
        pause 1
        keep_state
        for name in "${names[@]}"; do
            runs "$name" || start_again "$name"
        done
        clock
        ((now < ask_at)) || { ask_at=$((now + ask_seconds)); ask_all; }
    done
}

start_again() { # NAME
    wait "${pid[$1]}"
    local status=$?
    [[ ${ended[$1]:-} ]] || say_dead "$1" $status
    ended[$1]=yes # for who goes on, if it cannot be started now
    launch "$1"
    ended[$1]='' health[$1]=''
}

say_dead() { # NAME STATUS
    local cause="exit status $2"
    case $2 in
        70) cause="its loop hung" ;; # its own watchdog says so
        127) cause="why, is not known" ;; # a shell before this one started it
        *) (($2 > 128)) && cause="signal $(($2 - 128))" ;;
    esac
    say "$1 died ($cause) and is started again; its log: $data/log/$1.log"
}

# At the end of this shell. Bash ends with 254 when it could not start a process for some 15 s; then another one
# takes its place, in the same process, and goes on with what was kept. Between these two no command is run that
# is not part of [[ ]]: bash would wait for the process that it could not start. Nor does what goes on start one
# before it watches.
readonly kept="$data/.run"
leave() {
    [[ $? != 254 || ! ${is_here:-} ]] || exec "$BASH" scripts/run.sh "${arguments[@]}"
    stop_all
}

keep_state() { declare -p EASEL_AMQP names pid call from door health times told ended >"$kept"; }

# --- Whether they answer -------------------------------------------------------------------------

# A process may live and answer nobody. One that hangs is ended; one that somebody has stopped as a whole
# is left to who did it, and one that is not ready waits for others.

declare -A health=() # name -> what was found the last time: good, starting, stopped, silent or unready
declare -A times=()  # name -> how often in a row
declare -A told=()   # name -> whether somebody was told of it
declare -A ended=()  # name -> whether we ended it

# Any port that was free, so another one after each start. False: it has not said so yet.
find_door() { # NAME
    [[ ${door[$1]} ]] ||
        door[$1]=$(tail -c "+${from[$1]}" "$data/log/$1.log" | sed -n 's|^ready$|&|p; s|.* admin on http://||p')
    [[ ${door[$1]} ]]
}

# What follows asks one process; it runs in a shell of its own, which is ended when that takes too long, since
# connecting, too, may take for ever. It starts no process: who cannot be asked is not silent.

answer=''
get() { # HOST:PORT PATH: sets answer
    answer=''
    exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || return
    printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$2" "$1" >&3
    IFS= read -r -d '' -t "$ask_seconds" -u 3 answer # to the end
    exec 3>&-
    answer=${answer%$'\n'}
}

answers_200() { get "$@" && [[ $answer = 'HTTP/1.1 200 '* ]]; } # HOST:PORT PATH

# Its first frame, connection.start, begins with 1.
greets() { # AMQP URL
    local at=${1#*@} first=''
    at=${at%/}
    exec 3<>"/dev/tcp/${at%:*}/${at##*:}" || return
    printf 'AMQP\0\0\11\1' >&3
    read -r -N 1 -t "$ask_seconds" -u 3 first
    exec 3>&-
    [[ $first = $'\1' ]]
}

# Stopped by a signal or a debugger, with all that belongs to it.
is_stopped() { state_of "$1"; [[ $state = [Tt] ]]; } # PID

# The script of a broker that does not get ready gives it up by itself.
health_of_broker() {
    local node=''
    if ! [[ ${door[broker]} ]]; then
        echo starting
        return
    fi
    read -r node <"$data/rabbitmq/rabbitmq.pid"
    if is_stopped "${pid[broker]}" || is_stopped "$node"; then
        echo stopped
    else
        greets "$EASEL_AMQP" && echo good || echo silent
    fi
}

health_of() { # NAME
    if [[ $1 = broker ]]; then
        health_of_broker
    elif is_stopped "${pid[$1]}"; then
        echo stopped
    elif ! [[ ${door[$1]} ]] || ! answers_200 "${door[$1]}" /healthz; then
        echo silent
    elif ! answers_200 "${door[$1]}" /readyz; then
        echo "unready ${answer##*$'\n'}"
    else
        echo good
    fi
}

# All at once, so that it takes no longer than one.
ask_all() {
    local name said now deadline
    local -A asked=()
    for name in "${names[@]}"; do
        find_door "$name"
        health_of "$name" >"$data/log/.$name.health" 2>/dev/null 8>&- 9>&- & # 9: who has it open holds the lock
        asked[$name]=$!
    done
    clock
    deadline=$((now + ask_seconds))
    for name in "${names[@]}"; do
        while clock; lives "${asked[$name]}" && ((now < deadline)); do
            pause 0.02
        done
        said=silent
        lives "${asked[$name]}" && kill -KILL "${asked[$name]}" ||
            IFS= read -r said <"$data/log/.$name.health"
        wait "${asked[$name]}"
        [[ ! $said ]] || note_health "$name" "${said%% *}" "${said#* }"
    done
}

note_health() { # NAME HEALTH WHY
    [[ ${health[$1]:-} = "$2" ]] || times[$1]=0
    health[$1]=$2
    ((++times[$1]))
    case $2:${times[$1]} in
        good:1) [[ ! ${told[$1]:-} ]] || say "$1 answers again."; told[$1]='' ;;
        stopped:"$bad_max") tell "$1" "is stopped as a whole, and is left so" ;;
        unready:"$bad_max") tell "$1" "is not ready: $3" ;;
        silent:"$bad_max") end_silent "$1" ;;
    esac
}

tell() { # NAME WHAT
    told[$1]=yes
    say "$1 $2; its log: $data/log/$1.log"
}

# A service that hangs heeds no signal but one. The broker's script ends the node in its own way.
end_silent() { # NAME
    runs "$1" || return
    tell "$1" "does not answer, and is ended and started again"
    ended[$1]=yes
    [[ $1 = broker ]] && kill -TERM "${pid[$1]}" || kill -KILL "${pid[$1]}"
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

await_ready() { # NAME [SECONDS]
    local now deadline
    clock
    deadline=$((now + ${2:-30}))
    until find_door "$1" && [[ $1 = broker || $(health_of "$1" 2>/dev/null) = good ]]; do
        runs "$1" || die "$1 did not start: $(tail -n 3 "$data/log/$1.log")"
        clock
        ((now < deadline)) || die "$1 does not get ready; its log: $data/log/$1.log"
        pause 0.1
    done
}

# --- All of it -----------------------------------------------------------------------------------

start_all() {
    local i name urls=()
    mkdir -p "$data/log" || exit 1
    exec 9>"$data/lock"
    flock -n 9 || die "Easel runs already on $data; make run DATA=... starts another one"
    # 8: what pause waits for
    rm -f "$data/.never" && mkfifo "$data/.never" && exec 8<>"$data/.never" || exit 1
    make_secret

    say "Starting a private RabbitMQ, $histories history, $boards board and $gateways gateway service(s)."
    start broker "scripts/broker.sh ${data@Q}/rabbitmq 0"
    await_ready broker 90
    EASEL_AMQP=$(scripts/broker.sh url "$data/rabbitmq")

    for ((i = 1; i <= histories; i++)); do
        start "history-$i" $bin/history-service/easel-history \
            "EASEL_AMQP=$EASEL_AMQP" "EASEL_STORE=${EASEL_STORE:-sqlite:$data/easel.db}"
    done
    for ((i = 1; i <= boards; i++)); do
        start "board-$i" $bin/board-service/easel-board "EASEL_AMQP=$EASEL_AMQP"
    done
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
}

for count in "$gateways" "$boards" "$histories"; do
    [[ $count =~ ^[1-9][0-9]?$ ]] || die "GATEWAYS, BOARDS and HISTORIES are numbers from 1 to 99, not $count"
done
trap 'exit 0' INT TERM HUP
trap leave EXIT
if [[ ${EASEL_RUN_GOES_ON:-} ]]; then
    # shellcheck source=/dev/null
    source "$kept" && ((${#names[@]})) || die "cannot read $kept"
    say "No process could be started for a while: there are too many. Easel goes on, and tries again."
else
    start_all
fi
is_here=yes
export EASEL_RUN_GOES_ON=yes # for the shell that takes this one's place
watch_over_all 2>/dev/null # where the shell, too, would tell of each death
