"""`python -m sim` does what `tipline` does."""

from sim.faces.cli import main

main()
