# A build that succeeds if, and only if, all sources are formatted, ruff and mypy find nothing, and the tests pass.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS toolchain
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source

FROM toolchain AS checks
COPY requirements-checks.txt ./
RUN --mount=type=cache,id=fairground-python-packages,target=/root/.cache/pip \
    python3 -m venv /checks \
    && /checks/bin/pip install --require-hashes --no-deps --requirement requirements-checks.txt
ENV PATH=/checks/bin:$PATH
COPY . .
RUN ruff format --diff .
RUN ruff check .
RUN mypy
RUN pytest
