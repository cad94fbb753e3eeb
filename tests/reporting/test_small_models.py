"""The least a bank may have still makes a whole report: two features, a month to test, one event, nothing known later."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmml.modelling.spec import Split
from crmml.reporting.model_report import Subject, model_report, sample_rows
from crmml.stages.evidence import collect_evidence
from tests.modelling.synthetic import LATER, TRAIN, Contribution, make_abt, make_money_abt, make_spec, quick_train
from tests.reporting.pages import Page

SUBJECT = Subject("1", "示例银行", "Demo Bank", currency="CZK")


def one_event_to_test():
    abt = make_abt(customers=230, base=-3.7)
    frame = abt.frame.copy()
    later = frame["cutoff_date"] > pd.Timestamp(TRAIN[-1])
    frame.loc[frame.index[later & (frame["label"] == 1)][1:], "label"] = 0.0
    return replace(abt, frame=frame), make_spec()


def two_features_unknown_later():
    abt = make_abt(customers=260, base=-1.5, noise_columns=0)
    abt = replace(abt, features=tuple(each for each in abt.features if each.name in ("salary", "branch")))
    frame = abt.frame.copy()
    frame.loc[frame["cutoff_date"] > pd.Timestamp(TRAIN[-1]), "salary"] = np.nan
    return replace(abt, frame=frame), make_spec()


def two_months_of_money():
    abt = make_money_abt(customers=80)
    days = [pd.Timestamp(TRAIN[-1]), pd.Timestamp(LATER[0])]
    frame = abt.frame[abt.frame["cutoff_date"].isin(days)].reset_index(drop=True)
    spec = make_spec(Contribution(), name="demo.money", split=Split((TRAIN[-1],), (LATER[0],)))
    return replace(abt, frame=frame), spec


@pytest.mark.parametrize("made", [one_event_to_test, two_features_unknown_later, two_months_of_money])
def test_a_small_model_has_a_whole_report(made, tmp_path):
    abt, spec = made()
    trained = quick_train(abt, spec, tmp_path)
    evidence = collect_evidence(trained, spec)
    sample = sample_rows(abt.frame, trained.predictions)
    text = model_report(trained.bundle, trained.predictions, SUBJECT, sample=sample, evidence=evidence)
    page = Page(text)
    assert re.findall(r"<t[dh][^>]*>\s*</t[dh]>", text) == []
    assert re.findall(r"\b(?:nan|NaN|None|inf|undefined)\b|built-in", page.words) == []
    assert "yuan" not in page.words  # the bank counts in another currency
    assert page.is_closed
