"""The project's own promises: pinned without addresses, no paths of a machine, licence, floors."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_constraints_pin_every_dependency_and_hold_no_address():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "://" in line or line.startswith("-")]
    assert all(re.match(r"^[A-Za-z0-9._-]+==[^ ]+( ; .+)?$", line) for line in lines if line.strip())
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = {name.lower() for name in re.findall(r'^    "([A-Za-z0-9._-]+)(?:\[\w+\])?[>=]', project, re.MULTILINE)}
    assert wanted - pinned == set()


def test_no_committed_file_names_a_machine_s_folder():
    if not tracked():
        pytest.skip("not a git checkout")
    # Spelled in parts, so that this file does not name them itself.
    places = ["/" + "work/", "/" + "root/", "/" + "home/"]
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in (".py", ".md", ".toml", ".yaml", ".txt", ".html", ".svg", "")
        and path.stat().st_size < 1_000_000
        for place in places
        if place in path.read_text(encoding="utf-8", errors="ignore")
    ]
    assert found == []


def test_the_licence_is_apache():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
