"""A process that never stops starting threads. Usage: ``threads.py CHAINS SECONDS``.

Each chain is a thread that starts its successor and lives on a little beside it, so that at any moment some thread
is just being started by one that a single pass over /proc may not have reached yet. Beside each chain a thread stands
still, so that there always are as many at least.
"""

import sys
import threading
import time


def main() -> None:
    chains, seconds = int(sys.argv[1]), float(sys.argv[2])
    ends_at = time.monotonic() + seconds

    def link() -> None:
        if time.monotonic() < ends_at:
            threading.Thread(target=link).start()
            time.sleep(0.002)

    for _ in range(chains):
        threading.Thread(target=time.sleep, args=(seconds,)).start()
        threading.Thread(target=link).start()
    sys.stdout.write("up\n")
    sys.stdout.flush()


main()
