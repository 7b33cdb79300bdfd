#!/bin/sh
export ZIG_LOCAL_CACHE_DIR=W/help/zig-venv/cache-local ZIG_GLOBAL_CACHE_DIR=W/help/zig-venv/cache-global
Z=$(ls -d W/help/zig-venv/lib/python3*/site-packages/ziglang)/zig
exec chrt -i 0 nice -n 19 ionice -c3 $Z "$@"
