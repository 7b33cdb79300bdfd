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
# The tests are built as the API is, in the folder in which that was built, so no crate is compiled a second time. Nor is
# one checked: instead of `cargo clippy`, which would check all crates, clippy's driver compiles this one. It isn't
# optimised, since its tests don't need that.
RUN printf '#!/bin/sh\nexec clippy-driver "$@" --deny warnings\n' > /usr/local/bin/linting-compiler \
    && chmod +x /usr/local/bin/linting-compiler
ENV CARGO_NET_OFFLINE=true RUSTFLAGS="-C target-feature=+crt-static"
RUN cargo fmt --check
# The cache mount outlives the sources, and cargo compares times: building begins with a touch.
RUN --mount=type=cache,id=fairground-rust-target,target=/source/target \
    find src -name '*.rs' -exec touch {} + \
    && target=$(rustc --version --verbose | sed --quiet 's/^host: //p') \
    && RUSTC_WORKSPACE_WRAPPER=linting-compiler cargo test --locked --release --target "$target" \
         --config 'profile.release.package.fairground.opt-level = 0'
