# Succeeds if formatter, linter and unit tests pass. BASE as in Dockerfile.
ARG BASE=debian:trixie-slim

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates cargo rust-clippy rustfmt \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
RUN --mount=type=cache,id=fairground-rust-registry,target=/root/.cargo/registry \
    cargo fetch --locked
COPY . .
RUN cargo fmt --check
# The folder of compiled crates is kept; see Dockerfile for the touch.
RUN --mount=type=cache,id=fairground-rust-registry,target=/root/.cargo/registry \
    --mount=type=cache,id=fairground-rust-checks,target=/source/target \
    find src -name '*.rs' -exec touch {} + \
    && cargo clippy --locked --all-targets -- --deny warnings \
    && cargo test --locked
