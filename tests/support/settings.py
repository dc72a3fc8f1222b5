"""Settings that a test gives, whatever the shell that started it has set."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from service.settings import Settings


class ExplicitSettings(Settings):
    """What is given, and the defaults; the environment is not read."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings_of(database_url: str, **given: Any) -> Settings:
    """Settings over a database."""
    return ExplicitSettings(database_url=SecretStr(database_url), **given)
