#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test.sh PART...: runs these parts of the tests, in this order, and goes on after a failure. Each
# step prints a heading and its time, then what took longest is listed; the last line of all is
# "N passed, M failed". Reads from the environment EASEL_TEST_MONGO, to test against a MongoDB of your own.

set -uo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 bad_steps=() times=()
scratch=$(mktemp -d)

# Runs a step and adds up what its test runner counted; a step without a runner counts as one test.
step() { # HEADING COMMAND...
    local heading=$1 begun=$SECONDS status=0 counts
    shift
    printf '\n== %s\n' "$heading"
    "$@" 2>&1 | tee "$scratch/out" || status=$?
    counts=$(count_tests "$scratch/out")
    if [[ $counts = "0 0" ]]; then
        [[ $status -eq 0 ]] && counts="1 0" || counts="0 1"
    elif [[ $status -ne 0 && $counts = *" 0" ]]; then
        counts="${counts% 0} 1"
    fi
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
    if [[ $status -ne 0 ]]; then
        bad_steps+=("$heading")
        what_failed "$scratch/out" | sed "s/^/    /" >"$scratch/failed-${#bad_steps[@]}"
    fi
    took "$begun" "$heading: $([[ $status -eq 0 ]] && echo passed || echo FAILED)"
    return "$status"
}

took() { # SINCE WHAT
    times+=("$(printf '%5d s  %s' $((SECONDS - $1)) "${2%: *}")")
    printf -- '-- %s (%d s)\n' "$2" $((SECONDS - $1))
}

# For the summary: the end of what the runner says of its failures; node's says at first how much passed.
what_failed() { # FILE
    sed -n '/failing tests:$/,$p' "$1" | grep -v '^ *at \|^$' | head -20 | cut -c -300 | grep . || tail -n 5 "$1"
}

count_tests() { # FILE, of ctest, of node's test runner or of Python's
    awk '/tests passed, [0-9]+ tests failed out of/ { f += $4; p += $NF - $4 }
         /^(#|ℹ) pass [0-9]+$/ { p += $3 }
         /^(#|ℹ) fail [0-9]+$/ { f += $3 }
         /^Ran [0-9]+ tests? in / { p += $2 }
         /^FAILED \((failures|errors)=/ { n = 0; for (i = 2; i <= NF; i++) { gsub(/[^0-9]/, "", $i); n += $i } f += n; p -= n }
         END { print p + 0, f + 0 }' "$1"
}

# --- Helpers of the parts ------------------------------------------------------------------------

broker_dir='' mongo=''
clean_up() {
    [[ -z $broker_dir ]] || scripts/broker.sh stop "$broker_dir"
    [[ -z $mongo ]] || { kill "$mongo"; wait "$mongo"; }
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The servers that tests share are started once, at the first need, and not in a step: that is a shell of its own.
# Clusters whose test does nothing to the broker share it, too, since it takes longer to start than most of them to
# run: each takes a virtual host that nobody had before, a file in EASEL_TEST_VHOSTS (tests/service/harness.mjs).
need_broker() {
    [[ -z $broker_dir ]] || return 0
    broker_dir=$scratch/broker
    EASEL_TEST_AMQP=$(scripts/broker.sh start "$broker_dir") || exit 1
    export EASEL_TEST_AMQP
    mkdir "$scratch/vhosts"
    touch "$scratch/vhosts"/test-{1..120}
    vhosts "$scratch/vhosts" >"$scratch/vhosts.json"
    scripts/broker.sh ctl "$broker_dir" -q import_definitions "$scratch/vhosts.json" || exit 1
}

vhosts() { # DIR
    local each=(find "$1" -type f -printf)
    printf '{"vhosts": [%s],\n"permissions": [%s]}\n' \
        "$("${each[@]}" '{"name": "%f"}\n' | paste -sd ,)" \
        "$("${each[@]}" '{"user": "easel", "vhost": "%f", "configure": ".*", "write": ".*", "read": ".*"}\n' | paste -sd ,)"
}

need_mongo() {
    [[ -z ${EASEL_TEST_MONGO:-} ]] || return 0
    local port=$((20000 + RANDOM % 10000))
    tests/mongo/install.sh build/mongo || exit 1
    tests/mongo/start.sh build/mongo "$scratch/mongo" "$port" 2>"$scratch/mongo.log" &
    mongo=$!
    until grep -q 'listening on' "$scratch/mongo.log"; do
        kill -0 "$mongo" 2>/dev/null || { cat "$scratch/mongo.log"; exit 1; }
        sleep 0.1
    done
    export EASEL_TEST_MONGO=mongodb://127.0.0.1:$port/easel
}

declare -A built=()
need_build() { # PRESET
    local begun=$SECONDS
    [[ -z ${built[$1]:-} ]] || return 0
    printf '\n== build %s\n' "$1"
    scripts/build.sh "$1" || exit 1 # nothing can be tested
    built[$1]=yes
    took "$begun" "build $1: done"
}

need_before() {
    local begun=$SECONDS
    printf '\n== build the version before\n'
    scripts/build-before.sh || exit 1
    took "$begun" "build the version before: done"
}

# Two test files at a time, also on a small machine: each has a cluster of its own, and mostly waits.
node_tests() { # FILES...
    EASEL_TEST_VHOSTS=${broker_dir:+$scratch/vhosts} timeout 1800 node --test --test-reporter=spec --test-concurrency=2 "$@"
}

# With root's own directories in PATH: an ordinary user's has none of them.
as_root() {
    local sudo=()
    [[ $EUID -eq 0 ]] || sudo=(sudo --preserve-env)
    "${sudo[@]}" env PATH="$PATH:/usr/sbin:/sbin" "$@"
}

# What the programs are made of; tests have their own idioms.
clang_tidy() {
    local files
    mapfile -t files < <(git ls-files '*.c' ':!tests')
    clang-tidy -p build/dev --quiet "${files[@]}" 2>/dev/null
}

# --- The parts -----------------------------------------------------------------------------------

part_lint() {
    step "lint: formatting" scripts/format.sh --check
    step "lint: types of the page" npm run --silent check
    step "lint: tables of PROTOCOL.md and LIMITS.md" python3 proto/tables.py --check
    need_build dev
    step "lint: clang-tidy" clang_tidy
    step "lint: the house" node_tests tests/house/*.test.mjs
}

# Those that need no server: seconds.
part_unit() {
    need_build dev
    step "unit tests without servers" ctest --preset dev -LE "sim|broker|mongo"
}

# A unit test is to end within 4 s, and under a sanitizer within so many times that.
slow=4

part_asan() {
    need_build asan
    need_broker
    need_mongo
    CK_TIMEOUT_MULTIPLIER=$slow step "unit tests, AddressSanitizer and UndefinedBehaviorSanitizer" \
        ctest --preset asan -LE sim
}

part_tsan() {
    need_build tsan
    need_broker
    CK_TIMEOUT_MULTIPLIER=$slow step "what has threads, ThreadSanitizer" \
        ctest --preset tsan -R '^(link|history_service_sqlite)$'
    EASEL_TEST_BUILD=tsan step "services, ThreadSanitizer" node_tests tests/service/{walkthrough,resume}.test.mjs
}

part_web() {
    need_build dev
    step "page: codec and model" node_tests tests/web/*.test.mjs
}

# With sanitizers, but for what is measured.
part_service() {
    need_build asan
    need_build release
    need_before
    need_broker
    EASEL_TEST_BUILD=asan step "services" node_tests tests/service/*.test.mjs tests/protocol/*.test.mjs
}

# One after the other, and a minute of it at size; or with MINUTES that one, for long. SEED, STORE and KINDS:
# see tests/chaos/run.mjs.
part_chaos() {
    need_build release
    need_before
    [[ -n ${MINUTES:-} ]] || EASEL_TEST_BUILD=release step "chaos" node_tests tests/chaos/*.test.mjs
    step "chaos at size: ${MINUTES:-1} min" node --test-reporter=spec \
        --test-reporter-destination=/dev/null tests/chaos/run.mjs
}

part_recovery() {
    need_build release
    step "recovery: ${TIMES:-20} times each" node tests/chaos/recovery.mjs
}

# A minute, or with MINUTES the long form; SEED, STORE and KINDS: see tests/hostile/run.mjs.
part_hostile() {
    need_build release
    step "hostile clients: the trial's own parts" node_tests tests/hostile/*.test.mjs
    step "hostile clients: ${MINUTES:-1} min" node --test-reporter=spec \
        --test-reporter-destination=/dev/null tests/hostile/run.mjs
}

part_browser() {
    need_build release
    need_broker
    EASEL_TEST_BUILD=release step "browser" node_tests tests/browser/*.test.mjs
}

part_sim() {
    need_build release
    step "simulator" ctest --preset release -L sim
}

# Each takes one core: two at a time.
fuzzers() { # NAMES...
    printf '%s\n' "$@" | xargs -P 2 -I NAME env "build/fuzz/tests/fuzz/fuzz_NAME" -max_total_time="${FUZZ_S:-10}" \
        -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 -artifact_prefix=build/fuzz/
}

part_fuzz() {
    need_build fuzz
    step "fuzz: frames, heads, messages, cores" fuzzers frame gateway head history outbox cores
    part_fuzz-sockets
}

# Reads from the environment SEED and MINUTES.
part_fuzz-sockets() {
    need_build asan
    EASEL_TEST_BUILD=asan step "fuzz: sockets" timeout $((${MINUTES:-1} * 60 + 300)) \
        node --test --test-reporter=spec tests/fuzz/sockets.test.mjs
}

part_k8s-check() {
    tests/k8s/install.sh build/k8s || exit 1
    step "manifests: schemas and policies" build/k8s/venv/bin/python tests/k8s/check.py
    step "manifests: broken ones are told" build/k8s/venv/bin/python tests/k8s/check_test.py
}

# As Kubernetes runs the programs: with the settings of the manifests, and in the images' roots. Those
# need root, to be made and to be entered; the programs in them do not have it.
part_k8s() {
    local roots=$PWD/build/k8s-roots
    need_build release
    tests/k8s/install.sh build/k8s || exit 1
    tests/mongo/install.sh build/mongo || exit 1
    EASEL_TEST_BUILD=release step "manifests and programs" node_tests tests/k8s/manifests.test.mjs
    step "images: roots as the Dockerfile says" as_root python3 tests/k8s/roots.py release "$roots" || return
    EASEL_TEST_PROGRAMS=/usr/bin EASEL_TEST_PREFIX="$PWD/tests/k8s/in-root.sh $roots" step "images: the programs" \
        as_root timeout 1200 node --test --test-reporter=spec --test-concurrency=1 \
        tests/k8s/image.test.mjs tests/service/drain.test.mjs
}

# Not one of the tests: writes docs/img.
part_screenshots() {
    need_build release
    need_broker
    EASEL_TEST_BUILD=release node_tests tests/browser/screenshots.mjs || bad_steps+=(screenshots)
}

# Not tests: they print a table. They use the tests' cluster, which would let Node report on tests.
part_bench-quick() {
    need_build release
    node --test-reporter=spec --test-reporter-destination=/dev/null tests/load/bench.mjs ||
        bad_steps+=(bench-quick)
}

part_bench-page() {
    need_build release
    node --test-reporter=spec --test-reporter-destination=/dev/null tests/browser/bench.mjs ||
        bad_steps+=(bench-page)
}

for part in "$@"; do
    "part_$part"
done
if ((${#times[@]} > 5)); then
    printf '\n== what took longest, of %d s\n' "$SECONDS"
    printf '%s\n' "${times[@]}" | sort -rn | head -8
fi
printf '\n'
for i in "${!bad_steps[@]}"; do
    printf 'failed: %s\n' "${bad_steps[i]}"
    cat "$scratch/failed-$((i + 1))" 2>/dev/null
done
((passed + failed == 0)) || printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 && ${#bad_steps[@]} -eq 0 ]]
