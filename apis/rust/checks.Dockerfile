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
# The tests are built as the API is, in the folder in which that was built, so no crate is compiled a second time.
ENV CARGO_NET_OFFLINE=true RUSTFLAGS="-C target-feature=+crt-static"
RUN cargo fmt --check
# One step, so that each run touches the sources: the cache mount outlives them, and cargo compares times.
RUN --mount=type=cache,id=fairground-rust-target,target=/source/target \
    find src -name '*.rs' -exec touch {} + \
    && target=$(rustc --version --verbose | sed --quiet 's/^host: //p') \
    && cargo clippy --locked --release --target "$target" --all-targets -- --deny warnings \
    && cargo test --locked --release --target "$target"
