"""The images under test: from a registry's base images, or from stand-ins made of Debian's packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine import Engine

BUILD_SECONDS = 1800


def image(target: str, tag: str) -> str:
    """The name that docker-compose.yml gives it."""
    return f"ares-ml-advisor-{target}:{tag}"


def stand_ins(suite: str) -> dict[str, str]:
    """The settings that put the stand-ins of a Debian release in the place of the real base images."""
    return {
        "BASE_IMAGE": f"stand-in/python:{suite}",
        "POSTGRES_IMAGE": f"stand-in/postgres:{suite}",
        "PROXY_IMAGE": f"stand-in/haproxy:{suite}",
    }


def build_stand_ins(engine: Engine, suite: str, checkout: Path) -> None:
    """The three base images, with debootstrap; needs root."""
    script = checkout / "docker" / "stand-ins" / "build.sh"
    done = engine.run([str(script), suite], seconds=BUILD_SECONDS)
    if done.code:
        raise RuntimeError(f"{script}: {done.output[-2000:]}")


def build(engine: Engine, checkout: Path, tag: str, options: list[str]) -> None:
    """Both images of a checkout."""
    revision = subprocess.check_output(["git", "-C", str(checkout), "rev-parse", "HEAD"], text=True).strip()  # noqa: S607
    for target in ("server", "training"):
        name = f"--tag={image(target, tag)}"
        command = ["build", "--quiet", f"--target={target}", name, f"--build-arg=REVISION={revision}", *options]
        engine.docker(*command, str(checkout), seconds=BUILD_SECONDS)


def stand_in_options(suite: str, scratch: Path) -> list[str]:
    """For `docker build`: the stand-in, and as secrets what pip uses here: index, proxy, and trusted certificate."""
    listed = subprocess.check_output([sys.executable, "-m", "pip", "config", "list"], text=True)
    settings = dict(line.split("=", 1) for line in listed.splitlines())
    found = {name.rpartition(".")[2]: value.strip("'") for name, value in settings.items()}
    lines = ["[global]"]
    lines += [f"{name} = {found[name]}" for name in ("index-url", "proxy", "trusted-host") if name in found]
    options = ["--network=host", f"--build-arg=BASE_IMAGE={stand_ins(suite)['BASE_IMAGE']}"]
    certificate = found.get("cert") or os.environ.get("PIP_CERT")
    if certificate:
        lines.append("cert = /run/secrets/ca")
        options.append(f"--secret=id=ca,src={certificate}")
    configuration = scratch / "pip.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return [*options, f"--secret=id=pip,src={configuration}"]
