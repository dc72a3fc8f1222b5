#!/usr/bin/env bash
# Builds the stand-ins for the base images: a root file system made with debootstrap, then Debian's packages in it.
# Usage, as root: docker/stand-ins/build.sh [SUITE]     (makes stand-in/python, stand-in/postgres, stand-in/haproxy)
set -euo pipefail
cd "$(dirname "$0")"
suite=${1:-bookworm}
docker=${DOCKER:-docker}
export DOCKER_BUILDKIT=1

if ! $docker image inspect "stand-in/debian:$suite" > /dev/null 2>&1; then
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase "$suite" "$root" > "$root.log" || { tail -n 20 "$root.log" >&2; exit 1; }
    rm -rf "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    tar --create --directory "$root" --one-file-system . | $docker import - "stand-in/debian:$suite" > /dev/null
fi
for name in python postgres haproxy; do
    $docker build --quiet --network host --build-arg "DEBIAN_IMAGE=stand-in/debian:$suite" \
        --target "$name" --tag "stand-in/$name:$suite" . > /dev/null
done
