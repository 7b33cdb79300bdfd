# A build that succeeds if, and only if, all sources are formatted, clippy finds nothing, and the tests pass.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS toolchain
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates cargo rust-clippy rustfmt \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source

FROM toolchain AS checks
COPY Cargo.toml Cargo.lock ./
RUN cargo fetch --locked
COPY . .
ENV CARGO_NET_OFFLINE=true
RUN cargo fmt --check
# The folder of compiled crates is kept; see Dockerfile for the touch.
RUN --mount=type=cache,id=fairground-rust-checks,target=/source/target \
    find src -name '*.rs' -exec touch {} + \
    && cargo clippy --locked --all-targets -- --deny warnings
RUN --mount=type=cache,id=fairground-rust-checks,target=/source/target \
    cargo test --locked
