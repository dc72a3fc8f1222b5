"""Write the committed OpenAPI document, or check that it is current.

python -m scripts.write_openapi [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from service.app import create_app
from service.settings import Settings

TARGET = Path(__file__).parent.parent / "docs" / "openapi.json"


def main() -> None:
    """Write, or compare and fail."""
    document = json.dumps(create_app(Settings()).openapi(), indent=1, sort_keys=True) + "\n"
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(document)
    elif not TARGET.exists() or TARGET.read_text() != document:
        sys.exit("docs/openapi.json is not current: python -m scripts.write_openapi")


if __name__ == "__main__":
    main()
