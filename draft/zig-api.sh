#!/bin/bash
# starts the API on 18193 in the background; prints the pid
set -a; . <(W/help/services.sh urls zig); HOST=127.0.0.1 PORT=${PORT:-18193} LOG_LEVEL=${LOG_LEVEL:-warn}; set +a
chrt -i 0 nice -n 19 W/help/zig-venv/out/bin/${1:-api} > /tmp/zig-${1:-api}.log 2>&1 &
echo $! > /tmp/zig-${1:-api}.pid
