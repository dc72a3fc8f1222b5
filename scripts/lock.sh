#!/usr/bin/env sh
# Renews the lock files under requirements/: every version pinned with its hashes, no host named.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() { # OUTPUT, then the inputs and options
    out=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --no-header --no-emit-package ares-client --no-emit-package ares-ml-advisor \
        "$@" pyproject.toml ares_client/pyproject.toml --output-file "$out"
}
compile requirements/dev.txt --extra dev
compile requirements/app.txt --extra training --extra embedded --extra build --constraint requirements/dev.txt
compile requirements/training.txt --extra training --constraint requirements/dev.txt
compile requirements/server.txt --constraint requirements/dev.txt
