# A build that succeeds if, and only if, ktlint finds nothing, the compiler warns of nothing, and the tests pass.
ARG BASE=debian:trixie-slim
FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates ca-certificates-java maven openjdk-21-jdk-headless \
    && rm -rf /var/lib/apt/lists/*
ENV LANG=C.UTF-8
WORKDIR /source
COPY . .
RUN --mount=type=cache,id=fairground-kotlin-maven,target=/root/.m2 \
    mvn --batch-mode --quiet ktlint:check
RUN --mount=type=cache,id=fairground-kotlin-maven,target=/root/.m2 \
    mvn --batch-mode --quiet test
