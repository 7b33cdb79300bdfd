"""The API's program."""

import sys

from fifth.process import run

sys.exit(run())
