#!/usr/bin/env sh
# Renews the lock files under requirements/: every version pinned with its hashes, no host named.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
projects="pyproject.toml ares_client/pyproject.toml"
compile() { # OUTPUT, then the inputs and options
    out=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --no-header --no-emit-package ares-client --no-emit-package ares-ml-advisor \
        "$@" --output-file "requirements/$out.txt"
}
compile dev $projects requirements/build.in --extra dev
compile app $projects requirements/build.in --extra training --extra embedded --constraint requirements/dev.txt
compile training $projects --extra training --constraint requirements/dev.txt
compile server $projects --constraint requirements/dev.txt
compile build requirements/build.in --constraint requirements/dev.txt
compile mutation requirements/mutation.in --constraint requirements/dev.txt
