"""Bad inputs, one a line: what is planted, and how the front door has to answer.

`CASES` are run by test_bad_inputs.py. `ELSEWHERE` names the test that holds a fault which needs more than a command
on spoilt files. Together they hold every fault from B-01 to B-43 (BAD_INPUTS), in the order in which a bank meets them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.contract.small_bank import BANK, CHURN, LIST, tables
from tests.sources.raw_bank import Rows

Spoil = Callable[[dict[str, Rows]], None]

BAD_INPUTS: Mapping[str, str] = {
    "B-01": "a file that is missing",
    "B-02": "an empty file, or a header only",
    "B-03": "a required column that is missing",
    "B-04": "a column name that stands twice",
    "B-05": "a customer or account twice",
    "B-06": "a booking twice",
    "B-07": "a row of an unknown customer or account",
    "B-08": "dates that are none, or of mixed formats",
    "B-09": "rows after the day up to which the source is complete",
    "B-10": "known before it happened",
    "B-11": "clock times with and without a zone",
    "B-12": "amounts with thousands, full-width digits, a sign of currency",
    "B-13": "amounts that are not finite",
    "B-14": "a negative balance of savings",
    "B-15": "two currencies and no rate",
    "B-16": "a column without a value",
    "B-17": "a constant column",
    "B-18": "a label of one class",
    "B-19": "too few events",
    "B-20": "a label window that is not over",
    "B-21": "a cut-off before the first data",
    "B-22": "a level unseen in training",
    "B-23": "a number that became text",
    "B-24": "long ids read as float",
    "B-25": "another encoding, NUL bytes, lone carriage returns",
    "B-26": "an unbalanced quote, a huge cell",
    "B-27": "a file that is not what its name says",
    "B-28": "a customer without any history",
    "B-29": "a feature that is the label",
    "B-30": "relations and branches in a circle",
    "B-31": "YAML that is none",
    "B-32": "an unknown key",
    "B-33": "a wrong type",
    "B-34": "a key twice, aliases, objects, depth",
    "B-35": "values out of range",
    "B-36": "training that overlaps the test",
    "B-37": "a path outside the data",
    "B-38": "a variable that is not set",
    "B-39": "a protected attribute as a feature",
    "B-40": "a wrong command line",
    "B-41": "output that is there already, a folder that cannot be written",
    "B-42": "a model that is not there, or of another kind",
    "B-43": "a model that is not what was written",
}


@dataclass(frozen=True)
class Case:
    """One planted fault: what `command` has to end with and say.

    `configs` and `spoil` plant it; `code` is the code in brackets (empty for
    what the command line itself refuses), `words` are all said on stderr.
    """

    id: str
    planted: str
    exit: int
    code: str
    words: tuple[str, ...]
    command: tuple[str, ...] = ("check", "configs/small")
    configs: Mapping[str, str] = field(default_factory=dict)
    spoil: Spoil | None = None

    @property
    def name(self) -> str:
        return f"{self.id} {self.planted}"


def spoilt(spoil: Spoil | None) -> dict[str, Rows]:
    """The small bank's tables with a fault in them."""
    content = copy.deepcopy(_CLEAN)
    if spoil is not None:
        spoil(content)
    return content


_CLEAN = tables(60)


def cells(table: str, column: str, value: str, count: int = 3) -> Spoil:
    """Spoil the first `count` rows of a column."""

    def spoil(content: dict[str, Rows]) -> None:
        names, *rows = content[table]
        for row in rows[:count]:
            row[names.index(column)] = value

    return spoil


def again(table: str, count: int = 3, **changed: str) -> Spoil:
    """Append copies of the first rows, some cells changed."""

    def spoil(content: dict[str, Rows]) -> None:
        names, *rows = content[table]
        for row in rows[:count]:
            content[table].append([changed.get(name, cell) for name, cell in zip(names, row, strict=True)])

    return spoil


def both(*spoils: Spoil) -> Spoil:
    def spoil(content: dict[str, Rows]) -> None:
        for each in spoils:
            each(content)

    return spoil


def unknown_to_all(content: dict[str, Rows]) -> None:
    """Two customers of whom nothing says since when."""
    names = content["customers"][0]
    for number in ("X1", "X2"):
        content["customers"].append([number if name == "customer_id" else "" for name in names])


def config(name: str, right: str, wrong: str) -> dict[str, str]:
    """One of the small bank's configs with a piece replaced."""
    text = {"bank": BANK, "churn": CHURN, "list": LIST}[name]
    assert right in text, right
    return {name: text.replace(right, wrong, 1)}


def mapped(table: str, *rows: str, columns: str) -> dict[str, str]:
    """The bank with one more table, its rows written in the mapping."""
    sql = f"SELECT * FROM (VALUES {', '.join(rows)}) AS t({columns})"
    return config("bank", "tables:\n", f'tables:\n  {table}: "{sql}"\n')


def _range(name: str, right: str, wrong: str, *words: str, code: str = "C005") -> Case:
    return Case("B-35", wrong, 3, code, words, configs=config(name, right, wrong))


def _usage(*command: str, words: tuple[str, ...], code: str = "") -> Case:
    return Case("B-40", " ".join(command), 2, code, words, command=command)


_TRAIN = ("train", "configs/small/churn.yaml")
_POSTED = cells("transactions", "posted_on", "2025-02-15")
_ESTIMATOR = "tuning: {"

CASES: tuple[Case, ...] = (
    Case("B-05", "customer twice", 4, "D005", ("customer_id repeats on 3 of 63 rows", "***000"), spoil=again("customers")),
    Case("B-05", "account twice", 4, "D005", ("One row per account is expected",), spoil=again("accounts")),
    Case("B-06", "booking twice, same content", 0, "W105", ("The copies are dropped", "contract holds"), spoil=again("transactions")),
    Case("B-06", "booking twice, other amount", 4, "D006", ("One content per booking",), spoil=again("transactions", amount="5.00")),
    Case("B-07", "unknown account", 4, "D007", ("is not in accounts on 3 of", "A row in accounts is expected"), spoil=cells("transactions", "account_id", "A999")),
    Case("B-07", "unknown customer", 4, "D007", ("is not in customers on 3 of",), spoil=cells("accounts", "customer_id", "C999")),
    Case("B-08", "31 February", 4, "D008", ("'31/02/2025' in row 1", "Expected 2025-10-31"), spoil=cells("transactions", "valued_on", "31/02/2025")),
    Case("B-08", "another format among ISO dates", 4, "D008", ("'15.01.2025' in row 1",), spoil=cells("transactions", "valued_on", "15.01.2025")),
    Case("B-08", "words after a date", 4, "D008", ("'2025-01-15 about' in row 1",), spoil=both(cells("transactions", "valued_on", "2025-01-15 about"), _POSTED)),
    Case("B-09", "after observed_until", 0, "W109", ("valued_on is after 2025-12-31 on 3 of", "'2026-02-02'"), spoil=both(cells("transactions", "valued_on", "2026-02-02"), cells("transactions", "posted_on", "2026-02-02"))),
    Case("B-10", "posted before valued", 4, "D010", ("posted_on is before valued_on on 3 of", "GREATEST"), spoil=cells("transactions", "posted_on", "2024-12-31")),
    Case("B-11", "+08:00 among plain dates", 4, "D011", ("carries a time zone on 3 of", "Say whose days"), spoil=both(cells("transactions", "valued_on", "2025-01-15T23:30:00+08:00"), _POSTED)),
    Case("B-11", "UTC among plain dates", 4, "D011", ("carries a time zone on 3 of",), spoil=both(cells("transactions", "valued_on", "2025-01-15 23:30:00Z"), _POSTED)),
    Case("B-13", "NaN", 4, "D013", ("amount is not finite or too large for money on 3 of", "'NaN' in row 1"), spoil=cells("transactions", "amount", "NaN")),
    Case("B-13", "Infinity", 4, "D013", ("'Infinity' in row 1",), spoil=cells("transactions", "amount", "Infinity")),
    Case("B-13", "1e308", 4, "D013", ("'1e308' in row 1",), spoil=cells("transactions", "amount", "1e308")),
    Case("B-13", "NaN as a number", 4, "D013", ("amount is not finite",), configs=config("bank", "transactions: SELECT * FROM", "transactions: SELECT * REPLACE (CASE WHEN transaction_id LIKE 'T00000%' THEN 'NaN'::DOUBLE ELSE amount::DOUBLE END AS amount) FROM")),
    Case("B-14", "savings below zero", 0, "W114", ("balance is below 0 on 3 rows of 1 savings", "check the sign"), spoil=cells("transactions", "balance", "-1.00")),
    Case("B-15", "dollars without a rate", 4, "D015", ("3 accounts are in USD while the bank counts in CNY", "kind fx in rates"), spoil=cells("accounts", "currency", "USD")),
    Case("B-16", "no income at all", 0, "W116", ("income has no value on any of 60 rows",), spoil=cells("customers", "income", "", 999)),
    Case("B-18", "nobody closes", 4, "D018", ("hold no events; expected both outcomes", "2025-03-31 to 2025-07-31"), command=_TRAIN, spoil=cells("accounts", "closed_on", "", 999)),
    Case("B-19", "a handful of events", 4, "D019", ("events (< 50) among", "expected at least 50", "at this rate from about "), command=_TRAIN),
    Case("B-20", "the last label is not observed", 4, "D020", ("complete on 2026-01-31", "observed until 2025-12-31"), command=_TRAIN, configs=config("churn", "[2025-09, 2025-11]", "[2025-10, 2025-12]")),
    Case("B-21", "trained before the first data", 4, "D021", ("the cut-off 2024-05-31 lies before 2025-01-01", "use a cut-off from 2025-01-01 on"), command=_TRAIN, configs=config("churn", "[2025-03", "[2024-05")),
    Case("B-21", "features before the first data", 4, "D021", ("the cut-off 2015-01-31 lies before",), command=("features", "configs/small", "--cutoff", "2015-01")),
    Case("B-28", "nothing says since when", 0, "W138", ("2 customers have neither joined_on", "Map joined_on"), spoil=unknown_to_all),
    Case("B-30", "branches in a circle", 4, "D030", ("B1 -> B2 -> B1; expected a tree",), configs=mapped("branches", "('B1','B2')", "('B2','B1')", "('B3',NULL)", columns="branch_id, parent_id")),
    Case("B-30", "related to oneself", 4, "D030", ("the customer's own id on 1 of 2 rows",), configs=mapped("relations", "('C00001','C00001','spouse')", "('C00001','C00002','spouse')", columns="customer_id, related_id, relation")),
    Case("B-30", "owners in a circle", 4, "D030", ("parent goes in a circle of 2 customers, ***001 -> ***002 -> ***001", "nobody owns himself"), configs=mapped("relations", "('C00001','C00002','parent')", "('C00002','C00001','parent')", columns="customer_id, related_id, relation")),
    Case("B-30", "internal rates in percent", 4, "D031", ("reads as a percentage", "first: ftp cny from 2025-01-01: 2.5"), configs=mapped("rates", "('ftp','cny',12,DATE '2025-01-01',2.5)", columns="kind, key, tenor_months, valid_from, rate")),
    Case("B-35", "a loss given default below zero", 3, "C005", ("lgd: loan is -0.2; expected a share in [0, 1]",), configs=config("bank", "tables:\n", "economics: {ftp: {}, hurdle: 0.1, capital_ratio: 0.1, lgd: {loan: -0.2}}\ntables:\n")),
    Case("B-35", "a rate in percent in the config", 3, "C005", ("ftp: current is 2.5; expected a fraction per year such as 0.035, not percent",), configs=config("bank", "tables:\n", "economics: {ftp: {current: 2.5}, hurdle: 0.1, capital_ratio: 0.1}\ntables:\n")),
    Case("B-35", "the price of an unknown family", 3, "C005", ("'curent' is not a product family; expected one of current",), configs=config("bank", "tables:\n", "economics: {ftp: {curent: 0.02}, hurdle: 0.1, capital_ratio: 0.1}\ntables:\n")),
    Case("B-30", "guarantors of each other are a fact, not a fault", 0, "", ("the contract holds",), configs=mapped("relations", "('C00001','C00002','guarantor')", "('C00002','C00001','guarantor')", columns="customer_id, related_id, relation")),
    Case("B-31", "a bracket that stays open", 3, "C001", ("churn.yaml, line", "not YAML"), configs=config("churn", "[turnover", "[[turnover")),
    Case("B-32", "an attribute protected under a misspelt name", 3, "C002", ("'gendr'", "Did you mean 'gender'?"), configs=config("bank", "[gender]", "[gendr]")),
    Case("B-32", "a misspelt parameter of the estimator", 3, "C002", ("churn.yaml: estimator", "Did you mean 'learning_rate'?"), configs=config("churn", _ESTIMATOR, "estimator: {lerning_rate: 0.1}\ntuning: {")),
    Case("B-33", "a parameter of the estimator in words", 3, "C003", ("num_leaves is 'many'; expected a whole number",), configs=config("churn", _ESTIMATOR, "estimator: {num_leaves: many}\ntuning: {")),
    Case("B-33", "a population of dogs", 3, "C003", ("population.kinds[0] is 'dog'; expected one of person, company",), configs=config("churn", "[person]", "[dog]")),
    Case("B-34", "three thousand brackets", 3, "C004", ("nested too deep",), configs=config("churn", "target: churn", "target: " + "[" * 3000)),
    _range("churn", "months: 1}", "months: 120000}", "churn.yaml: horizon: months is 120000", "at most 120"),
    _range("churn", "months: 1}", "months: 1, gap: -1}", "gap is -1; a gap has at least 0 months"),
    _range("churn", "trials: 0", "trials: 1000000000", "churn.yaml: tuning: trials is 1000000000; expected 0 to 10,000"),
    _range("churn", "seed: 7", "seed: -1", "seed is -1; expected 0 to 2,147,483,647"),
    _range("churn", "max_trees: 20", "max_trees: 0", "max_trees is 0; expected 1 to 20,000"),
    _range("churn", "every: 2", "every: 0", "every is 0; expected a step of 1 to 12 months"),
    _range("churn", "every: 2", "every: 2, holdout_buckets: 100", "churn.yaml: cutoffs: holdout_buckets is 100; expected 0 to 90"),
    _range("churn", "2025-11]", "9999-12]", "'9999-12' is outside the years 1900 to 2199"),
    _range("churn", "[turnover, products, tenure, profile]", "[]", "features is empty; expected one or more of"),
    _range("churn", _ESTIMATOR, "estimator: {learning_rate: -1}\ntuning: {", "learning_rate is -1; expected a number from"),
    _range("churn", "[person]", "[]", "kinds is empty; expected person, company or both"),
    _range("bank", "{default: 2025-12-31}", "{default: 9999-12-31}", "outside the years 1900 to 2199", code="C003"),
    _range("bank", "{transactions: 2025-01-01}", "{transactions: 2026-01-01}", "after observed_until 2025-12-31"),
    _range("bank", "name: small", "name: ../evil", "name is '../evil'; expected letters, digits, _ and -"),
    Case("B-35", "a product id that is a path", 3, "C005", ("label.products has '../x'",), configs={"churn": CHURN.replace("target: churn", "target: uptake").replace("{kind: closed}", "{products: [../x]}")}),
    Case("B-36", "training into the test", 3, "C006", ("churn.yaml: cutoffs", "2025-06-30"), configs=config("churn", "[2025-09, 2025-11]", "[2025-06, 2025-11]")),
    Case("B-39", "gender", 3, "C009", ("gender is protected by bank.yaml", "Leave it out"), configs=config("churn", "profile]", "profile.gender]")),
    Case("B-39", "gender by a feature made of it", 3, "C009", ("age is made of born_on, which is protected by bank.yaml",), configs=config("churn", "profile]", "profile.age]") | config("bank", "protected: [gender", "protected: [born_on, gender")),
    _usage("chek", "configs/small", words=("No such command 'chek'", "Did you mean 'check'?")),
    _usage("list", "configs/small/list.yaml", "--top", "-5", words=("No such option: --top",)),
    _usage("score", "configs/small", "--cutoff", "tomorrow", words=("'tomorrow' is not a date", "--cutoff 2025-10-31"), code="U001"),
    _usage("score", "configs/small", "--cutoff", "2025-13", words=("'2025-13' is not a day of the calendar",), code="U001"),
    _usage("train", "configs/small/churn.yaml", "--sample", "0%", words=("expected a share such as 5%",), code="U003"),
    _usage("check", "configs/small", "--format", "xml", words=("'xml' is not one of 'table', 'json', 'csv'",)),
    _usage("run", "configs/small", "--stage", "tabels", words=("Did you mean 'tables'?",), code="U005"),
    _usage("models", "show", "small.churn@winner", words=("expected name@champion",), code="U007"),
    Case("B-40", "a bank that is not there", 6, "M001", ("configs/nowhere holds no bank.yaml",), command=("check", "configs/nowhere")),
    Case("B-40", "a model config that is not there", 3, "C010", ("configs/small/nothing.yaml is not there",), command=("train", "configs/small/nothing.yaml")),
    Case("B-42", "a version that is not there", 6, "M001", ("small.churn has no version 9", "crmml models list"), command=("models", "show", "small.churn/9")),
    Case("B-42", "no champion", 6, "M001", ("small has no champion",), command=("score", "configs/small")),
)  # fmt: skip

ELSEWHERE: tuple[tuple[str, str], ...] = (
    ("B-31", "tests/cli/test_front_door.py::test_a_wrong_config_exits_3_with_place_and_advice"),
    ("B-31", "tests/config/test_reading.py::test_what_is_not_plain_yaml_is_refused_with_its_place"),
    ("B-32", "tests/cli/test_front_door.py::test_a_wrong_config_exits_3_with_place_and_advice"),
    ("B-33", "tests/cli/test_front_door.py::test_a_wrong_config_exits_3_with_place_and_advice"),
    ("B-34", "tests/config/test_reading.py::test_what_is_not_plain_yaml_is_refused_with_its_place"),
    (
        "B-36",
        "tests/modelling/test_splits.py::test_a_training_label_that_reaches_past_the_first_test_cutoff_is_refused_with_both_ranges",
    ),
    ("B-16", "tests/contract/test_trained_bank.py::test_a_column_without_a_value_is_dropped_and_recorded"),
    ("B-16", "tests/contract/test_trained_bank.py::test_a_column_that_vanished_since_training_is_not_scored_without"),
    ("B-17", "tests/contract/test_trained_bank.py::test_a_constant_column_is_dropped_and_recorded"),
    ("B-28", "tests/contract/test_trained_bank.py::test_a_customer_without_history_is_scored_and_flagged"),
    ("B-29", "tests/contract/test_trained_bank.py::test_a_feature_that_is_the_label_ends_the_training"),
    ("B-41", "tests/contract/test_trained_bank.py::test_a_folder_that_cannot_be_written_ends_with_9"),
    ("B-41", "tests/stages/test_whole_run.py::test_output_is_not_replaced_without_force"),
    ("B-42", "tests/contract/test_trained_bank.py::test_a_champion_of_another_target_is_not_served"),
    ("B-42", "tests/contract/test_trained_bank.py::test_a_bundle_of_a_newer_format_asks_for_an_upgrade"),
    ("B-43", "tests/contract/test_trained_bank.py::test_a_model_that_is_not_what_was_written_is_refused"),
    ("B-01", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-02", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-03", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-04", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-23", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-24", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-25", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-26", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-27", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-37", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-38", "tests/sources/test_files_at_the_door.py::test_a_wrong_file_is_refused_and_nothing_is_left"),
    ("B-01", "tests/cli/test_front_door.py::test_a_new_bank_without_files_names_the_source_that_is_missing"),
    ("B-02", "tests/sources/test_checks.py::test_a_column_of_the_wrong_kind_is_refused_as_a_whole"),
    ("B-03", "tests/sources/test_checks.py::test_a_missing_column_is_named_with_the_nearest_there_is"),
    ("B-25", "tests/sources/test_readers.py::test_a_broken_file_is_refused_when_it_is_opened"),
    ("B-26", "tests/sources/test_readers.py::test_a_broken_file_is_refused_when_it_is_opened"),
    ("B-26", "tests/sources/test_mapping.py::test_a_ragged_file_is_refused_by_line_and_without_its_contents"),
    ("B-27", "tests/sources/test_readers.py::test_a_file_that_is_no_parquet_is_refused"),
    ("B-37", "tests/sources/test_mapping.py::test_a_mapping_cannot_read_other_files"),
    ("B-38", "tests/sources/test_readers.py::test_paths_take_environment_variables_and_say_which_is_not_set"),
    ("B-04", "tests/sources/test_readers.py::test_a_broken_file_is_refused_when_it_is_opened"),
    ("B-22", "tests/test_scoring.py::test_levels_never_seen_in_training_are_counted_over_all_chunks"),
    ("B-12", "tests/sources/test_checks.py::test_a_fault_is_reported_with_the_number_of_rows_spoilt"),
    ("B-12", "tests/sources/test_readers.py::test_numbers_as_declared_become_plain_and_others_do_not"),
    ("B-23", "tests/sources/test_checks.py::test_a_fault_is_reported_with_the_number_of_rows_spoilt"),
    ("B-24", "tests/sources/test_checks.py::test_a_fault_is_reported_with_the_number_of_rows_spoilt"),
)
