"""The second door: a ready feature table, one row per case, brought to the shape every model is trained from."""

from crmml.feature_table.build import FlatAbt, batch_frame, build_abt
from crmml.feature_table.reading import read_rows
from crmml.feature_table.spec import Roles, TableSplit

__all__ = ["FlatAbt", "Roles", "TableSplit", "batch_frame", "build_abt", "read_rows"]
