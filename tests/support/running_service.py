"""What tests ask of a running service, wherever it runs: in a process of its own, or in the test's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import urllib3

REQUEST_SECONDS = 60.0


class RunningService(ABC):
    """A service over a database and a data folder, on a port that it keeps when it is started again."""

    database_url: str
    data_dir: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    @abstractmethod
    def api_key(self) -> str | None:
        """The bootstrap key, which `request` sends."""

    @property
    @abstractmethod
    def log(self) -> str:
        """Every line it has logged, as JSON."""

    @abstractmethod
    def start(self) -> Self:
        """Start, and wait until it answers."""

    @abstractmethod
    def stop(self) -> int:
        """Stop gracefully, if it runs; returns the exit code."""

    def restart(self) -> None:
        self.stop()
        self.start()

    def request(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """The reply to a request with the bootstrap key, where there is one."""
        own = {} if self.api_key is None else {"authorization": f"Bearer {self.api_key}"}
        return self.plain_request(method, path, json, {**(headers or {}), **own}, **options)

    def plain_request(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """The reply to a request without any key but one that the headers hold."""
        return urllib3.request(
            method, f"{self.url}{path}", json=json, headers=headers, retries=False, timeout=REQUEST_SECONDS, **options
        )

    def ready(self) -> bool:
        return self.request("GET", "/readyz").status == 200

    def has_model_and_bars(self) -> bool:
        found = self.request("GET", "/readyz")
        return found.status == 200 and bool(found.json()["market_days_through"])

    def knows(self, key: str) -> bool:
        """Whether a key has reached this replica."""
        return self.plain_request("GET", "/models", headers={"authorization": f"Bearer {key}"}).status != 401
