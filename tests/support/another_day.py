"""A pytest plugin: the whole run believes that it is another day, named by `ANOTHER_DAY` in the environment.

`scripts/check_collection.py` collects with it. It moves Python's clocks in the test process only.
"""

from __future__ import annotations

import os

import time_machine

time_machine.travel(os.environ["ANOTHER_DAY"], tick=True).start()
