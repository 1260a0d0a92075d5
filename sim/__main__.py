"""`python -m sim` does what `tipline` does."""

from sim.cli.app import main

main()
