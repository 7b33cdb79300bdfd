"""Workloads: deterministic streams of requests, one file each, and the Lua that replays them in wrk."""
