"""The points scorecard that is trained beside every probability model, on the same rows."""

from crmml.modelling.scorecard.export import to_csv, to_sql
from crmml.modelling.scorecard.fit import Scorecard, fit_scorecard
from crmml.modelling.scorecard.settings import ScorecardSpec
from crmml.modelling.scorecard.tables import scorecard_tables

__all__ = ["Scorecard", "ScorecardSpec", "fit_scorecard", "scorecard_tables", "to_csv", "to_sql"]
