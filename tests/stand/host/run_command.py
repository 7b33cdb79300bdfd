"""Runs a shell command; reads `{"command": …}` and writes what it printed."""

import json
import subprocess
import sys

command = json.load(sys.stdin)["command"]
done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
if done.returncode:
    sys.exit(f"{command} ended with {done.returncode}: {done.stderr}")
json.dump({"output": done.stdout}, sys.stdout)
