# A build that succeeds if, and only if, all sources are formatted, clippy finds nothing, and the tests pass.
# It begins as Dockerfile does, so that an engine which has built that has these layers.
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
# Without what a debugger needs, all is compiled in less time; a panic still tells its file and line.
ENV CARGO_NET_OFFLINE=true CARGO_PROFILE_DEV_DEBUG=none
RUN cargo fmt --check
# One step, so that the touch is done for each run: cargo compares times, and sources whose layer the engine kept from an
# earlier build may be older than what other sources have left in the folder of compiled crates.
RUN --mount=type=cache,id=fairground-rust-checks,target=/source/target \
    find src -name '*.rs' -exec touch {} + \
    && cargo clippy --locked --all-targets -- --deny warnings \
    && cargo test --locked
