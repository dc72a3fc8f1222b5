"""`python -m kronos` is `kronos`."""

from kronos.cli import main

main()
