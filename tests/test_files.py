import json
import os
import signal
import subprocess
import sys
import time

import pytest

from crmml import files
from crmml.errors import BackendError, BusyError, IntegrityError, NotFoundError


def write(folder, text, **inputs):
    with files.publish(folder, kind="note", inputs=inputs) as staged:
        staged.path("note.txt", rows=1).write_text(text)


def test_a_published_folder_is_fresh_for_its_inputs_only(tmp_path):
    write(tmp_path / "result", "one", source="a")
    assert files.is_fresh(tmp_path / "result", kind="note", inputs={"source": "a"})
    assert not files.is_fresh(tmp_path / "result", kind="note", inputs={"source": "b"})
    assert not files.is_fresh(tmp_path / "result", kind="other", inputs={"source": "a"})


def test_a_file_edited_by_hand_is_not_fresh_and_not_verified(tmp_path):
    write(tmp_path / "result", "one", source="a")
    (tmp_path / "result" / "note.txt").write_text("two")
    assert not files.is_fresh(tmp_path / "result", kind="note", inputs={"source": "a"})
    with pytest.raises(IntegrityError, match=r"note\.txt has SHA-256 .* expected .* \[M002\]"):
        files.verify(tmp_path / "result", what="the note")


@pytest.mark.parametrize("harm", ["delete", "add"])
def test_a_missing_or_added_file_is_not_verified(tmp_path, harm):
    write(tmp_path / "result", "one")
    if harm == "delete":
        (tmp_path / "result" / "note.txt").unlink()
    else:
        (tmp_path / "result" / "extra.txt").write_text("x")
    with pytest.raises(IntegrityError, match=r"\[M002\]"):
        files.verify(tmp_path / "result", what="the note")


def test_a_folder_without_manifest_is_not_found(tmp_path):
    (tmp_path / "result").mkdir()
    with pytest.raises(NotFoundError, match="the note not found"):
        files.verify(tmp_path / "result", what="the note")


def test_an_error_while_writing_leaves_the_earlier_result_and_nothing_else(tmp_path):
    write(tmp_path / "result", "one")
    with pytest.raises(ZeroDivisionError), files.publish(tmp_path / "result", kind="note") as staged:
        staged.path("note.txt").write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "result" / "note.txt").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    write(tmp_path / "a", "one", source="a")
    write(tmp_path / "b", "one", source="a")
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from crmml import files
point, target = sys.argv[1], Path(sys.argv[2])
count = 0
def count_down(real):
    def call(*args, **kwargs):
        global count
        count += 1
        if count == int(point):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call
for name in ("fsync", "rename", "replace"):
    setattr(os, name, count_down(getattr(os, name)))
files._exchange = count_down(files._exchange)
with files.publish(target, kind="note") as staged:
    staged.path("note.txt").write_text("two")
    staged.path("more.txt").write_text("two")
"""


@pytest.mark.parametrize("point", range(1, 9))
def test_killed_at_every_write_a_reader_sees_the_old_result_or_the_new_one(tmp_path, point):
    target = tmp_path / "result"
    write(target, "one")
    done = subprocess.run([sys.executable, "-c", KILLED, str(point), str(target)], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    files.verify(target, what="the note")
    assert (target / "note.txt").read_text() in ("one", "two")
    write(target, "three")
    assert (target / "note.txt").read_text() == "three"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_without_an_atomic_exchange_a_crash_between_the_renames_is_put_right(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    write(tmp_path / "result", "one")
    os.rename(tmp_path / "result", tmp_path / ".result.old")
    write(tmp_path / "result", "two")
    assert (tmp_path / "result" / "note.txt").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_place_that_cannot_be_written_is_said_with_the_exit_code_of_the_disk(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BackendError, match=r"cannot write .*Free space or fix the permissions.*\[L004\]") as caught:
        write(tmp_path / "file" / "result", "one")
    assert caught.value.exit_code == 9


def test_a_full_disk_is_said_and_the_earlier_result_stays(tmp_path, monkeypatch):
    write(tmp_path / "result", "one")

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_flushed", full)
    with pytest.raises(BackendError, match=r"No space left on device, \d+ MiB free"):
        write(tmp_path / "result", "two")
    assert (tmp_path / "result" / "note.txt").read_text() == "one"


HOLDER = """
import sys, time
from pathlib import Path
from crmml import files
with files.lock(Path(sys.argv[1]), what="the bank"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_at_once_who_holds_the_lock_and_a_killed_one_frees_it(tmp_path):
    path = tmp_path / ".lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(BusyError, match=f"in use by process {holder.pid}") as caught,
            files.lock(path, what="the bank"),
        ):
            pass
        assert caught.value.exit_code == 7
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    for _ in range(50):
        try:
            with files.lock(path, what="the bank"):
                return
        except BusyError:
            time.sleep(0.05)
    pytest.fail("the lock outlived its process")


def test_an_unreadable_manifest_is_an_integrity_error(tmp_path):
    write(tmp_path / "result", "one")
    (tmp_path / "result" / "manifest.json").write_text(json.dumps({"kind": "note", "strange": 1}))
    with pytest.raises(IntegrityError, match="not a readable manifest"):
        files.read_manifest(tmp_path / "result")
