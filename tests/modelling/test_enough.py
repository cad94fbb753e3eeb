from datetime import date

import numpy as np
import pytest

from crmml.errors import SourceError
from crmml.modelling.enough import require_events
from crmml.periods import month_ends

MONTHS = tuple(month_ends(date(2024, 1, 31), date(2024, 12, 31)))


@pytest.mark.parametrize(("events", "code"), [(0, "D018"), (49, "D019")])
def test_too_few_events_are_refused_with_counts_and_dates(events, code):
    label = np.zeros(500)
    label[:events] = 1
    days = np.repeat(np.array(MONTHS[:2], dtype="datetime64[D]"), 250)
    with pytest.raises(SourceError, match=rf"2024-01-31 to 2024-02-29.*\[{code}\]"):
        require_events(label, days, target="demo.churn", rows="training")


def test_fifty_events_are_enough_to_train():
    label = np.zeros(500)
    label[:50] = 1
    require_events(label, np.repeat(np.datetime64("2024-01-31"), 500), target="demo.churn", rows="training")
