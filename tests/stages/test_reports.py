"""The report of a version stays when a later version is trained."""

from crmml.stages.reports import kept_report, write_report
from crmml.stages.workspace import Workspace


def test_the_report_of_every_version_is_kept_and_the_newest_lies_where_people_look(tmp_path):
    workspace = Workspace(tmp_path, "mybank")
    for version in ("1", "2"):
        write_report(workspace, "churn", f"page {version}", name="mybank.churn", version=version)
    kept = [kept_report(workspace.models, "mybank.churn", version) for version in ("1", "2", "3")]
    assert [path and path.read_text() for path in kept] == ["page 1", "page 2", None]
    assert (workspace.out / "report-churn.html").read_text() == "page 2"
