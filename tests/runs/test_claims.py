"""Claims: held by one process, and given up by one that dies."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qrec.errors import QrecError
from qrec.runs import claims as module
from qrec.runs.claims import Claims, locked


def die_holding(claims: Claims, name: str) -> None:
    """Have a process take a claim and be killed with it."""
    pid = os.fork()
    if pid == 0:
        with claims.take(name):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_claim_is_held_by_one_and_says_by_whom(tmp_path):
    claims = Claims(tmp_path)
    with claims.take("step") as mine, claims.take("step") as theirs, claims.take("other") as other:
        assert mine is not None
        assert theirs is None
        assert other is not None
        assert claims.held() == {"step": mine, "other": other}
        assert (mine.host, mine.pid, mine.deaths) == (socket.gethostname(), os.getpid(), 0)
    assert claims.held() == {}
    assert not list(tmp_path.rglob("claims/*"))


def test_the_claim_of_a_killed_process_is_free_and_its_death_is_counted(tmp_path):
    claims = Claims(tmp_path)
    for deaths in range(1, 3):
        die_holding(claims, "step")
        assert claims.held() == {}
        assert (tmp_path / "claims" / "step").stat().st_size, f"{deaths} left a trace"
    with claims.take("step") as claim:
        assert claim.deaths == 2
    with claims.take("step") as claim:
        assert claim.deaths == 0, "it ended well"


def test_what_a_killed_process_left_half_written_is_a_death(tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "step").write_text('{"host": "he')
    with Claims(tmp_path).take("step") as claim:
        assert claim.deaths == 1


def test_deaths_are_forgotten_but_no_claim_that_is_held(tmp_path):
    claims = Claims(tmp_path)
    die_holding(claims, "step")
    with claims.take("held") as held:
        claims.forget()
        assert claims.held() == {"held": held}
        with claims.take("held") as other:
            assert other is None
    with claims.take("step") as claim:
        assert claim.deaths == 0


def test_whoever_waited_for_a_claim_that_ended_does_not_have_it(tmp_path, monkeypatch):
    """The file that it opened is gone, and another may hold the one in its place."""
    claims, lock = Claims(tmp_path), module._lock

    def ended_meanwhile(handle, path, shared, wait):
        path.unlink()
        return lock(handle, path, shared, wait)

    monkeypatch.setattr(module, "_lock", ended_meanwhile)
    with claims.take("step") as claim:
        assert claim is None


def test_looking_at_claims_leaves_no_file(tmp_path):
    with locked(tmp_path / "none", make=False) as handle:
        assert handle is None
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)
    with (
        pytest.raises(QrecError, match=r"step: this file system gives no locks \(No locks"),
        Claims(tmp_path).take("step"),
    ):
        pass


def test_one_that_is_claimed_but_says_nothing_yet_is_held(tmp_path):
    path: Path = tmp_path / "claims" / "step"
    with locked(path):
        assert Claims(tmp_path).held() == {"step": None}


def test_without_locks_of_the_system_a_run_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with (
        pytest.raises(QrecError, match=r"this system has no locks .fcntl.*Subsystem for Linux"),
        Claims(tmp_path).take("step"),
    ):
        pass


def test_what_locks_nothing_starts_without_locks_of_the_system():
    start = "import sys; sys.modules['fcntl'] = None; from qrec.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, "list", "backends"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "exact_noisy" in done.stdout
