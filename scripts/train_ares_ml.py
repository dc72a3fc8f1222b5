"""The guide's command, a door to `kronos train`: `python scripts/train_ares_ml.py --start DATE --end DATE`."""

from __future__ import annotations

import sys

from kronos.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
