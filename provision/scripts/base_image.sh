#!/bin/sh
# Makes the lab's Debian 13 base image on the Docker engine beside it, and prints its id and where it came from.
#
# usage: base_image.sh IMAGE TAG ANCHORS
#   IMAGE    what to pull, such as debian:trixie-slim; only that one can be bootstrapped where it can't be pulled
#   TAG      the name of the base to be made, as fairground-STACK-base:DIGEST; the digest is of what it is made of
#   ANCHORS  a folder with the controller's own trust anchors (*.crt), so that a build behind an inspecting proxy works
#
# Every step can be repeated; a base that is already there is left as it is, and one that another lab has is taken, with all
# that the engine's cache has built on it. The last line: "ID pulled|bootstrapped".
# Ends with 69 where the base must be bootstrapped and what does that isn't installed.
set -eu
image=$1 tag=$2 anchors=$3
# A registry that can't be reached may answer at once or never; this long is enough for 30 MB on a slow line.
pull_seconds=120

fail() {
    echo "$*" >&2
    exit "${status:-1}"
}

bases=$(docker images --filter label=org.fairground.base --format '{{.Repository}}:{{.Tag}}')
if same=$(echo "$bases" | grep -m 1 -- "-base:${tag##*:}\$"); then
    docker tag "$same" "$tag"
fi
if id=$(docker image inspect --format '{{.Id}} {{index .Config.Labels "org.fairground.base"}}' "$tag" 2>/dev/null); then
    echo "$id"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"; docker image rm "$tag-rootfs" >/dev/null 2>&1 || :' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if docker image inspect "$image" >/dev/null 2>&1; then
    origin=pulled
    docker tag "$image" "$tag-rootfs"
elif timeout "$pull_seconds" docker pull --quiet "$image" >"$work/pull.log" 2>&1; then
    origin=pulled
    docker tag "$image" "$tag-rootfs"
    # Only the name that the pull gave goes: an image that was here before keeps its own.
    docker image rm "$image" >/dev/null
elif [ "$image" = debian:trixie-slim ]; then
    origin=bootstrapped
    command -v mmdebstrap >/dev/null ||
        status=69 fail "The base image $image can't be pulled ($(tail -n 1 "$work/pull.log")), and mmdebstrap, which would bootstrap it, isn't installed: apt-get install mmdebstrap."
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r "$keyring" ] || status=69 fail "Debian's archive keys are missing: apt-get install debian-archive-keyring."
    mmdebstrap --quiet --variant=minbase --include=ca-certificates --keyring="$keyring" \
        trixie "$work/rootfs.tar" >"$work/bootstrap.log" 2>&1 ||
        fail "The base image $image can be neither pulled ($(tail -n 1 "$work/pull.log")) nor bootstrapped from Debian's packages ($(grep -m 1 '^E:' "$work/bootstrap.log" || tail -n 1 "$work/bootstrap.log")). Check the network or name another base_image in the stack document."
    docker import "$work/rootfs.tar" "$tag-rootfs" >/dev/null
    rm "$work/rootfs.tar"
else
    fail "The base image $image can't be pulled ($(tail -n 1 "$work/pull.log")), and only debian:trixie-slim can be bootstrapped. Check the name or the network, or name another base_image in the stack document."
fi

mkdir "$work/context" "$work/context/anchors"
for anchor in "$anchors"/*.crt; do
    [ -e "$anchor" ] && cp "$anchor" "$work/context/anchors/"
done
cat >"$work/context/Dockerfile" <<DOCKERFILE
FROM $tag-rootfs
COPY anchors/ /usr/local/share/ca-certificates/
RUN command -v update-ca-certificates >/dev/null || (apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*); update-ca-certificates
LABEL org.fairground.base=$origin
DOCKERFILE
# The classic builder: it leaves no cache of its own behind when the image goes.
DOCKER_BUILDKIT=0 docker build --quiet --network host --tag "$tag" "$work/context" >"$work/build.log" 2>&1 ||
    fail "The base image can't be built on $image: $(tail -n 1 "$work/build.log")."
docker image inspect --format '{{.Id}} {{index .Config.Labels "org.fairground.base"}}' "$tag"
