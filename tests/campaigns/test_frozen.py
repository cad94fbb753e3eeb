"""A frozen list: immutable, found out when changed, refused under a used name or without a control arm."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from crmml import files
from crmml.campaigns import log, names, read_campaign, require_control, require_name, write_campaign
from crmml.errors import BusyError, GateError, IntegrityError, NotFoundError, UsageError
from tests.campaigns import frozen_list
from tests.campaigns.frozen_list import LIST_ID, about, campaign, list_folder, rows


def test_the_whole_list_folder_is_kept_and_read_by_name_or_list_id(tmp_path):
    made = campaign(tmp_path)
    assert (made.list_folder / "replay" / "features.txt").read_text() == "what a replay needs"
    files.verify(made.list_folder, what="the copy of the list")
    assert read_campaign(tmp_path / "campaigns", LIST_ID).name == "jan"
    assert made.rows["customer_id"].tolist()[0] == "0001"
    assert not os.stat(made.folder / "campaign.json").st_mode & 0o222


def test_the_same_content_again_changes_nothing_and_other_content_is_refused(tmp_path):
    home, source = tmp_path / "campaigns", list_folder(tmp_path / "list")
    assert write_campaign(home, source, about(source))
    assert not write_campaign(home, source, about(source))
    assert len(log.read_log(home)) == 1
    with pytest.raises(IntegrityError, match=r"jan is frozen with content [0-9a-f]{12} .* and this is [0-9a-f]{12}"):
        write_campaign(home, source, about(source, owner="somebody else"))
    with pytest.raises(IntegrityError, match="is frozen as jan"):
        write_campaign(home, source, about(source, name="feb"))


def test_of_two_freezers_at_once_one_wins(tmp_path):
    home, source = tmp_path / "campaigns", list_folder(tmp_path / "list")

    def freeze(owner):
        try:
            with files.lock(home / ".lock", what="the bank"):
                return write_campaign(home, source, about(source, owner=owner))
        except (BusyError, IntegrityError):
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(freeze, ["north", "south"])) == [False, True]
    assert names(home) == ["jan"]


@pytest.mark.parametrize("file", ["campaign.json", "list/cross_sell.parquet", "list/about.json", "manifest.json"])
def test_a_changed_file_is_refused_whenever_the_campaign_is_read(tmp_path, file):
    path = campaign(tmp_path).folder / file
    path.chmod(0o644)
    if file == "manifest.json":
        told = json.loads(path.read_text())
        told["files"]["campaign.json"] = "0" * 64
        path.write_text(json.dumps(told))
    else:
        path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match=r"[Rr]estore"):
        read_campaign(tmp_path / "campaigns", "jan")


def test_an_added_and_a_missing_file_and_a_removed_campaign_are_found(tmp_path):
    folder = campaign(tmp_path).folder
    folder.chmod(0o755)
    (folder / "more.txt").write_text("x")
    with pytest.raises(IntegrityError, match=r"more\.txt is missing or was added"):
        read_campaign(tmp_path / "campaigns", "jan")
    (folder / "more.txt").unlink()
    (folder / "manifest.json").unlink()
    with pytest.raises(IntegrityError, match="is in the log and not on the disk"):
        names(tmp_path / "campaigns")


def test_a_line_of_the_log_cannot_be_changed(tmp_path):
    campaign(tmp_path)
    path = tmp_path / "campaigns" / log.LOG
    path.write_text(path.read_text().replace("retail", "Retail"))
    with pytest.raises(IntegrityError, match="line 1 is not what was written"):
        read_campaign(tmp_path / "campaigns", "jan")


def test_a_freeze_cut_off_before_its_line_is_read_without_writing_and_finished_by_the_next_that_writes(tmp_path):
    made, home = campaign(tmp_path), tmp_path / "campaigns"
    whole = [(line.event, line.campaign, line.digest, line.about) for line in log.read_log(home)]
    (home / log.LOG).unlink()
    assert read_campaign(home, "jan").name == "jan"
    assert not (home / log.LOG).exists()  # a reader holds no lock, and two lines after the same one break the chain
    assert not write_campaign(home, tmp_path / "lists" / "cross_sell", made.about)
    assert [(line.event, line.campaign, line.digest, line.about) for line in log.read_log(home)] == whole


def test_a_control_arm_below_five_percent_of_an_offer_is_refused_with_what_to_change():
    table = rows(["treated"] * 5 + ["treated"] * 38 + ["control"] * 3)
    assert require_control(table)["loan"] == {"treated": 38, "control": 3, "explore": 0}
    bare = rows(["treated"] * 4 + ["control"] + ["treated"] * 36 + ["control"])
    assert require_control(bare)["card"]["control"] == 1  # of five rows 5 % is no whole row
    with pytest.raises(
        GateError, match=r"control arm holds 1 of 65 rows \(too few: loan 0 of 60\).*control_share to 0.05"
    ):
        require_control(rows(["control"] + ["treated"] * 64))
    with pytest.raises(GateError, match=r"holds 0 of 4 rows;.*control_share to 0.25"):
        require_control(rows(["treated"] * 4 + ["explore"] * 2))


def test_a_name_that_is_no_folder_and_a_campaign_that_is_not_there_are_refused(tmp_path):
    for name in ("../x", "a b", "", "x" * 65, "."):
        with pytest.raises(UsageError, match="cannot be named"):
            require_name(name)
    require_name("一月-calls_2")
    frozen_list.campaign(tmp_path)
    with pytest.raises(NotFoundError, match=r"campaign 'jam' not found.*Did you mean 'jan'"):
        read_campaign(tmp_path / "campaigns", "jam")
