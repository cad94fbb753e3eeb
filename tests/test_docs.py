"""What the documents say is what the code does: tables, commands, examples, links."""

import doctest
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import typer

from benchmarks import report
from crmml.cli.app import app
from crmml.config.bank_file import load_bank
from crmml.errors import CrmmlError
from crmml.features import DEFAULT, family_names
from crmml.sources.contract import CONTRACT, FAMILIES
from crmml.sources.csv_files import DEFAULTS as CSV_OPTIONS
from crmml.sources.faults import options_of

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BRING = ROOT / "docs" / "bring-a-bank.md"


def contract_table() -> str:
    """The canonical tables as the page shows them."""
    lines = ["| table | columns |", "|---|---|"]
    for table in CONTRACT.values():
        columns = ", ".join(
            f"**{name}**" if column.required else name for name, column in table.columns.items() if name != "posted_on"
        )
        lines.append(f"| `{table.name}`<br>{table.grain} | {columns} |")
    return "\n".join(lines)


def blocks(page: Path) -> list[str]:
    """The commands of a page: lines of fenced blocks and code in a sentence that begin with `crmml` and a verb."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
    inline = re.findall(r"`(crmml [a-z][^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [line for block in fenced for line in block.splitlines() if line.startswith("crmml ")] + inline


def test_the_canonical_tables_are_those_of_the_contract():
    text = BRING.read_text(encoding="utf-8")
    shown = re.search(r"<!-- contract:.*?-->\n\n(.*?)\n\n<!-- end of contract -->", text, flags=re.DOTALL)
    assert shown is not None
    assert shown[1] == contract_table(), f"expected\n{contract_table()}"
    assert ", ".join(f"`{family}`" for family in FAMILIES) in text


def test_every_code_of_an_error_is_explained():
    told = {code for page in PAGES for code in re.findall(r"\b[A-Z]\d{3}\b", page.read_text(encoding="utf-8"))}
    used = {
        code
        for path in (ROOT / "src").rglob("*.py")
        for code in re.findall(r"[\"\[]([A-Z]\d{3})[\"\]]", path.read_text(encoding="utf-8"))
    }
    assert len(used) > 50
    assert used - told == set()


def test_the_sources_shown_are_read_by_the_config(tmp_path):
    text = BRING.read_text(encoding="utf-8")
    shown = re.search(r"<!-- sources:.*?```yaml\n(.*?)```\n\n<!-- end of sources -->", text, flags=re.DOTALL)
    assert shown is not None
    rest = "bank: {name: a, zh: a, en: a}\ntables: {}\nobserved_until: {default: 2025-12-31}\n"
    (tmp_path / "bank.yaml").write_text(rest + shown[1], encoding="utf-8")
    sources = load_bank(tmp_path).sources.values()
    assert {source.format for source in sources} == {"parquet", "csv", "duckdb", "sqlite", "postgresql"}
    for source in sources:
        options_of(source, CSV_OPTIONS if source.format == "csv" else {})
    options = {name for source in sources for name in source.options}
    assert options == set(CSV_OPTIONS) - {"header"}


@pytest.mark.parametrize("name", ["time.md"])
def test_examples_come_out_as_written(name):
    failed, tried = doctest.testfile(str(ROOT / "docs" / name), module_relative=False, encoding="utf-8")
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("command", sorted({line for page in PAGES for line in blocks(page)}))
def test_every_command_shown_exists_with_its_options(command):
    words = re.findall(r'"[^"]*"|\S+', command.partition("|")[0])[1:]
    group = typer.main.get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    assert not hasattr(group, "commands"), f"{command} names no command"
    known = {option for parameter in group.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).resolve().exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_both_languages(page):
    assert re.search(r"^# .*[一-鿿]", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_picture_stands_alone():
    picture = ROOT / "docs" / "how-it-works.svg"
    root = ET.parse(picture).getroot()
    text = picture.read_text(encoding="utf-8")
    assert root.get("viewBox")
    assert "<script" not in text
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}


def test_every_exit_code_is_explained():
    text = BRING.read_text(encoding="utf-8")
    codes = {error.exit_code for error in (CrmmlError, *_all_errors(CrmmlError))}
    for code in codes:
        assert re.search(rf"^\| {code} \|", text, flags=re.MULTILINE), code


def _all_errors(error):
    for child in error.__subclasses__():
        yield child
        yield from _all_errors(child)


def test_the_python_of_how_it_works_names_what_there_is():
    import crmml

    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"\bcm\.(\w+)", text)):
        assert hasattr(crmml, name), name


def test_stages_and_rooms_are_those_of_the_code():
    from crmml.stages.run import STAGES

    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for stage in STAGES:
        assert any(f"--stage {stage}`" in row for row in rows), stage
    rooms = {path.stem for path in (ROOT / "src" / "crmml").iterdir() if not path.name.startswith("_")}
    hidden = {"perturb", "py"}  # a part of the audit; the marker of types
    for room in rooms - hidden:
        assert any(f"`{room}`" in row for row in rows), room


def test_a_new_bank_whose_files_fit_the_template_holds_the_contract(tmp_path, monkeypatch):
    from crmml.stages.scaffold import scaffold
    from crmml.stages.tables import check_bank

    monkeypatch.setenv("CRMML_HOME", str(tmp_path))
    scaffold(tmp_path / "configs" / "mybank")
    sources = tmp_path / "data" / "source"
    sources.mkdir(parents=True)
    (sources / "customers.csv").write_text(
        "customer_no,name,birth_date,branch,manager,open_date\nC001,张三,1980-05-01,B01,M01,2019-03-02\n",
        encoding="utf-8",
    )
    (sources / "accounts.csv").write_text(
        "account_no,customer_no,product_code,open_date,close_date\nA001,C001,D1,2019-03-02,\n", encoding="utf-8"
    )
    (sources / "bookings_2024.csv").write_text(
        "account_no,value_date,booking_date,amount,type,channel\nA001,2024-01-05,2024-01-05,8000.00,salary,online\n",
        encoding="utf-8",
    )
    report = check_bank("mybank", say=lambda text: None)
    assert report.errors == ()
    assert not report.refusals


def test_words_of_the_template_are_known():
    """The features a new bank's configs list are families."""
    template = (ROOT / "src" / "crmml" / "stages" / "templates" / "churn.yaml").read_text(encoding="utf-8")
    listed = re.search(r"^features: \[([^\]]*)\]", template, flags=re.MULTILINE)
    assert listed is not None
    assert set(listed[1].split(", ")) <= {*family_names(), DEFAULT}


def test_the_page_of_benchmarks_is_made_of_what_was_measured():
    page = ROOT / "docs" / "benchmarks.md"
    assert page.read_text(encoding="utf-8") == report.page_of(report.read(page))
