"""`python -m tests.crash [ROUNDS] [SEED]`: kill the daemon so often, and print what came of it."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash.campaign import Campaign

if __name__ == "__main__":
    rounds, seed = (*map(int, sys.argv[1:3]), *(500, 1)[len(sys.argv) - 1 :])
    with TemporaryDirectory() as folder:
        print(Campaign(Path(folder), seed, verbose=True).run(rounds).table())
