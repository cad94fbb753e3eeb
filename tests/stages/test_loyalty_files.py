"""Later stages find the loyalty index where the loyalty stage puts it."""

from types import SimpleNamespace

import pandas as pd

from crmml.stages.loyalty import has_index, index_path


def test_an_index_is_there_only_where_its_column_is(tmp_path):
    project = SimpleNamespace(workspace=SimpleNamespace(of=lambda stage: tmp_path / stage))
    for day, columns in (("2025-11-30", {}), ("2025-12-31", {"index": [71.5]})):
        (tmp_path / "loyalty" / day).mkdir(parents=True)
        pd.DataFrame({"customer_id": ["0001"], **columns}).to_parquet(tmp_path / "loyalty" / day / "loyalty.parquet")
    assert index_path(project, "2025-12-31") == tmp_path / "loyalty" / "2025-12-31" / "loyalty.parquet"
    assert [has_index(project, day) for day in ("2025-10-31", "2025-11-30", "2025-12-31")] == [False, False, True]
