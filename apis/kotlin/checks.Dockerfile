# A build that succeeds if, and only if, ktlint finds nothing, the compiler warns of nothing, and the tests pass.
# It begins as Dockerfile does, so that an engine which has built that has these layers.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS toolchain
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates ca-certificates-java maven openjdk-21-jdk-headless \
    && rm -rf /var/lib/apt/lists/*
# Maven runs for half a minute, in which the JVM's second compiler costs more than it gains.
ENV LANG=C.UTF-8 MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

FROM toolchain AS dependencies
WORKDIR /source
COPY pom.xml ./
RUN mvn --batch-mode --quiet -DskipTests package dependency:copy-dependencies \
    && rm --recursive target/*.jar target/maven-archiver

FROM toolchain AS checks
WORKDIR /source
COPY . .
RUN --mount=type=cache,id=fairground-kotlin-maven,target=/root/.m2,from=dependencies,source=/root/.m2 \
    mvn --batch-mode --quiet ktlint:check test
