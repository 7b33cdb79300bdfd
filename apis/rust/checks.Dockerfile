# This build succeeds only if all sources are formatted, clippy finds nothing, and the tests pass.
# It begins as Dockerfile does, so that an engine that has built that has these layers.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS toolchain
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates cargo \
    && rm -rf /var/lib/apt/lists/*

FROM toolchain AS crates
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
RUN cargo fetch --locked

FROM crates AS checks
RUN apt-get update \
    && apt-get install --yes --no-install-recommends rust-clippy rustfmt \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# Without what a debugger needs, compiling takes less time. A panic still shows its file and line.
ENV CARGO_NET_OFFLINE=true CARGO_PROFILE_DEV_DEBUG=none
RUN cargo fmt --check
# One step, so that each run touches the sources: the cache mount outlives them, and cargo compares times.
RUN --mount=type=cache,id=fairground-rust-checks,target=/source/target \
    find src -name '*.rs' -exec touch {} + \
    && cargo clippy --locked --all-targets -- --deny warnings \
    && cargo test --locked
