"""`python -m fusewatch` is the command line."""

from fusewatch.cli import main

main()
