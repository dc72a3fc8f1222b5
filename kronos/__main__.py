"""`python -m kronos` runs `kronos`."""

from kronos.cli import main

main()
