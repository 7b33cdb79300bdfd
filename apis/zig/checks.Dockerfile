# Builds if, and only if, the sources are formatted, compile without a complaint
# (Zig's compiler has no warnings, only errors) and pass their own tests.
ARG BASE=debian:trixie-slim

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3-pip \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /toolchain/
RUN --mount=type=cache,id=fairground-zig-packages,target=/root/.cache/pip \
    pip install --require-hashes --no-deps --target /toolchain --requirement /toolchain/requirements.txt \
    && ln -s /toolchain/ziglang/zig /usr/local/bin/zig
ENV ZIG_LOCAL_CACHE_DIR=/cache/local ZIG_GLOBAL_CACHE_DIR=/cache/global
WORKDIR /source
COPY . .
RUN zig fmt --check build.zig src
RUN --mount=type=cache,id=fairground-zig-cache,target=/cache \
    zig build test
