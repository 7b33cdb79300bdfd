#!/usr/bin/env python3
"""check.py NAME PORT [only…]: all checks of W/api-contract against http://127.0.0.1:PORT.

NAME names the services of W/help/services.sh. Prints each failure with its detail, and a count.
"""

import os
import subprocess
import sys
from pathlib import Path

CLONE = Path("W/api-contract")
VENVS = (Path("W/help/venv/bin/python"), Path("W/main/.venv/bin/python"))


def main() -> int:
    """Run the checks; 1 if one failed."""
    name, port, *only = sys.argv[1:]
    said = subprocess.run(["W/help/services.sh", "urls", name], check=True, capture_output=True, text=True).stdout
    urls = dict(line.split("=", 1) for line in said.split())
    from apis.contract.checks import Target, all_checks, open_context, run_check

    target = Target(
        name=name,
        base_url=f"http://127.0.0.1:{port}",
        jwt_secret=urls["JWT_SECRET"],
        database_url=urls["DATABASE_URL"],
        redis_url=urls["REDIS_URL"],
        pool_size=int(os.environ.get("DB_POOL_SIZE", "32")),
    )
    outcomes: list[str] = []
    with open_context(target) as context:
        for check in all_checks():
            if only and not {check.name, check.group} & set(only):
                continue
            result = run_check(context, check)
            outcomes.append(result.outcome)
            tries = f", {result.attempts} attempts" if result.attempts > 1 else ""
            print(f"{result.outcome} {result.check} ({result.seconds:.1f} s{tries})", flush=True)
            if result.detail:
                print(f"    {result.detail}", flush=True)
    print(", ".join(f"{outcomes.count(one)} {one}" for one in ("passed", "failed", "skipped")))
    return 1 if "failed" in outcomes else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    python = next((path for path in VENVS if path.exists()), None)
    if python is None:
        sys.exit("There is no Python environment yet: neither " + " nor ".join(map(str, VENVS)))
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), __file__, *sys.argv[1:]])
    sys.path.insert(0, str(CLONE))
    sys.dont_write_bytecode = True
    sys.exit(main())
