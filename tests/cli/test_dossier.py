"""The claims one by one in the report: their words, their source, every reading; nothing in a table is obeyed."""

from __future__ import annotations

import csv
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sim.cli import options
from sim.cli.report.dossier import dossier
from sim.cli.report.page import page_of
from sim.cli.report.results import read_results
from sim.scenario.claims import CLAIMS
from sim.scenario.ledger import Ledger, load_ledger
from sim.text.dossier import meaning
from tests.cli.lines import tipline
from tests.scenario.small import SCENARIOS
from tests.studies.small_ledgers import a_case, a_year, best, grew, growth, mean, median, per_head, percentile, within
from tests.studies.small_ledgers import ledger as small
from tests.studies.test_claims import LINE

LEDGER = """\
ledger: A desk
sources:
  paper: {title: A paper, publisher: The desk, url: "https://example.org/paper?a=1&b=2", known: It was printed twice.}
  talk: {says: a talk that was overheard}
subjects: {all: {says: all tips}, high: {says: tips of high risk, part_of: all}}
clocks: {clock: {says: from the tip to its end}}
facts:
  some: {source: a count, url: "https://example.org/count", says: tips of high risk., kind: share of a whole,
    subject: high, of: all, quantity: 20 %}
claims:
  K1: {source: paper, says: Soon done., quotation: "All is done <soon> & well.", page: 3, kind: share within,
   subject: all, clock: clock, quantity: 30 min, share: 90 %, unclear: from when, readings: {
    lenient: {target: {from: arrival, to: done, within: 12 h, share: 90 %}},
    moderate: {says: of all, target: {from: arrival, to: done, within: 30 min, share: 90 %}},
    strict: {target: {from: arrival, to: done, within: 5 min, share: 90 %}}}}
  K2: {source: talk, says: Half an hour on average., kind: mean, subject: all, clock: clock, quantity: 2 min,
   readings: {
    lenient: {target: {from: arrival, to: done, mean: 12 h}}}}
  K3: {source: talk, says: It grows., kind: growth, subject: all, quantity: 10 %, sense: about, readings: {
    moderate: {arithmetic_only: nobody has counted}}}
  K5: {source: paper, says: Half are of high risk., kind: share of a whole, subject: high, of: all, quantity: 50 %,
    sense: about, readings: {lenient: {arithmetic_only: nobody has counted}}}
  K4: {source: paper, says: Soon again., kind: share within, subject: all, clock: clock, quantity: 30 min, share: 90 %,
    repeats: K1}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dossier")
    (folder / "line.yaml").write_text(LINE, encoding="utf-8")
    (folder / "claims.yaml").write_text(LEDGER, encoding="utf-8")
    options_of_run = ("--out", folder / "out", "--replications", "3", "--set", "run.length=4d", "--jobs", "1")
    done = tipline("claims", folder / "claims.yaml", folder / "line.yaml", *options_of_run)
    assert done.exit_code == options.DONE, done.output
    return folder / "out"


class Articles(HTMLParser):
    """The text of each article, the ids of the page, and the addresses that it links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if tag == "a" else []
        if tag == "article":
            self._inside = told.get("id") or "a source"

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.text[self._inside] = f"{self.text.get(self._inside, '')} {data}"


def articles(folder: Path) -> Articles:
    return Articles(page_of(folder).html)


def test_each_claim_has_an_article_with_its_words_source_readings_and_what_is_open(ran: Path) -> None:
    found = articles(ran)
    told = " ".join(found.text["claim-K1"].split())
    for part in (
        "Soon done.",
        "“All is done <soon> & well.”",
        "page 3",
        "https://example.org/paper?a=1&b=2",
        "What it would mean Of 100 at least 90 take no longer than 30 min; the other 10 may take any time.",
        "What is counted: all tips. The time: from the tip to its end.",
        "lenient",
        "moderate of all; at least 90 % of all tips within 30 min from arrival to done",
        "strict",
        "No number of people makes it hold",
        "What would have to be disclosed From when.",
    ):
        assert part in told, part
    assert "Its own words are not known." in found.text["claim-K2"]
    assert "It holds with the people that the line has" in found.text["claim-K2"]
    assert "nobody has counted" in found.text["claim-K3"]
    assert "It says again what “Soon done” says." in " ".join(found.text["claim-K4"].split())
    assert len(found.ids) == len(set(found.ids))
    assert {link for link in found.links if link.startswith("#")} <= {f"#{name}" for name in found.ids}


def test_what_lists_every_claim_leads_to_its_article(ran: Path) -> None:
    found = articles(ran)
    index = page_of(ran).html.partition('<dl class="index">')[2].partition("</dl>")[0]
    assert [f'href="#claim-K{number}"' in index for number in (1, 2, 3, 4, 5)] == [True] * 5
    assert found.ids.count("claim-K1") == 1


def test_no_sentence_names_a_claim_by_its_name_but_its_own_mark(ran: Path) -> None:
    for place, text in articles(ran).text.items():
        assert len(re.findall(r"\bK\d\b", text)) == (place != "a source"), text


def test_what_is_not_known_of_a_source_is_said(ran: Path) -> None:
    told = dossier(read_results(ran).folders[0])
    assert told is not None
    paper, talk = told.sources
    assert dict(paper.rows)["published"] == dict(talk.rows)["title"] == dict(talk.rows)["address"] == "not known"
    assert dict(paper.rows)["published by"] == "The desk"
    assert (paper.link, talk.link) == ("https://example.org/paper?a=1&b=2", "")
    assert paper.known == "It was printed twice."


def test_the_lead_gives_every_reading_and_is_the_first_answer(ran: Path) -> None:
    folder = read_results(ran).folders[0]
    told = dossier(folder)
    assert told is not None
    assert told.lead == folder.answer("claims")[0]
    places = [told.lead.index(f"in the {name} reading ") for name in ("lenient", "moderate", "strict")]
    assert places == sorted(places)
    html = page_of(ran).html
    assert html.count(told.lead) == 1, "it stands at the head, and not again below"
    assert "The lenient readings can all hold at once" not in html, "the articles tell that"


def test_arithmetic_is_told_by_the_words_of_the_claims(ran: Path) -> None:
    # If only just 90 % are within 30 min, the mean is 3 min or more, and not 2.
    found = articles(ran)
    told = " ".join(found.text["claim-K1"].split())
    assert "Cannot hold by arithmetic beside “Half an hour on average” , if the figure is what is reached" in told
    assert "the mean is at least 3 min, 1.5 times what “Half an hour on average” says." in told
    assert "Stands against “Soon done”" in " ".join(found.text["claim-K2"].split())


def test_what_is_known_from_elsewhere_has_its_place_and_its_source(ran: Path) -> None:
    found = articles(ran)
    told = " ".join(found.text["claim-K5"].split())
    assert "Cannot hold by arithmetic beside “tips of high risk” , if the figure is what is reached" in told
    assert {"#fact-some", "https://example.org/count"} <= set(found.links)
    assert "fact-some" in found.ids


def spoilt(ran: Path, folder: Path, table: str, **cells: str) -> Path:
    """A copy of the folder with other cells in every row of a table."""
    copy = Path(shutil.copytree(ran, folder / "spoilt"))
    with (copy / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        rows = [{**row, **cells} for row in csv.DictReader(stream)]
    with (copy / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return copy


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "https://a b", '"><script>x</script>'])
@pytest.mark.parametrize("table", ["claims_sources", "claims_facts"])
def test_an_address_that_is_none_of_the_web_is_text(ran: Path, tmp_path: Path, table: str, link: str) -> None:
    html = page_of(spoilt(ran, tmp_path, table, link=link)).html
    shipped = {"https://example.org/count", "https://example.org/paper?a=1&b=2"}
    links = {one for one in Articles(html).links if not one.startswith("#")}
    assert links < shipped
    assert "<script>x" not in html


def test_hostile_words_are_shown_and_not_obeyed(ran: Path, tmp_path: Path) -> None:
    bad = "<img src=x onerror=alert(1)>{{ 7 * 7 }}"
    html = page_of(spoilt(ran, tmp_path, "claims", says=bad, quotation=bad, means=bad, unclear=bad, claim=bad)).html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;{{ 7 * 7 }}" in html


def test_a_folder_of_an_older_program_is_told_as_before(ran: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(ran, tmp_path / "old"))
    with (copy / "claims.csv").open(encoding="utf-8", newline="") as stream:
        rows = [{key: cell for key, cell in row.items() if key != "plainly"} for row in csv.DictReader(stream)]
    with (copy / "claims.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (copy / "claims_sources.csv").unlink()
    html = page_of(copy).html
    assert "Claim by claim" not in html
    assert "The lenient readings can all hold at once" in html


# What a claim would mean


def means(claim: dict[str, object], ledger: Ledger | None = None) -> str:
    return meaning(ledger or small({"A": claim}), "A")


def test_a_claim_is_told_by_what_it_would_mean() -> None:
    counted = " What is counted: all. The time: clock."
    assert means(within("30 min", "90 %")) == (
        f"Of 100 at least 90 take no longer than 30 min; the other 10 may take any time.{counted}"
    )
    assert means(within("30 min", "100 %")) == f"Not one of them takes longer than 30 min.{counted}"
    assert means(median("30 min")) == means(percentile("50 %", "30 min")) == means(within("30 min", "50 %"))
    assert means(mean("30 min")) == (
        "They take 30 min each if all their times are shared out evenly. Single ones may take longer: no more than "
        f"half of them over 1 h, no more than one in ten over 5 h.{counted}"
    )
    assert means(best("9 min")) == f"The fastest takes 9 min, which says nothing of any other.{counted}"
    assert means(growth("40 %")) == (
        "Growing so, it is 5.38 times as much after 5 years, and twice as much after 2.06 years."
    )
    assert means(growth("-10 %", over=1)) == "It is 0.9 times what it was a year before."
    assert means(grew("300 %", 2015, 2023)) == "In 2023 it is 4 times what it was in 2015: 18.9 % a year on average."
    assert means(per_head(600, 100_000)) == "Of a million (places) there would be about 6,000 a year."
    assert means(a_case(41)) == "A thousand of them (all) would cost about 41,000 EUR."
    assert means(a_year(365_000, "at least")) == "That is at least 1,000 EUR a day."


def test_every_claim_of_what_is_shipped_is_told_in_a_sentence_and_every_kind_is_told() -> None:
    tested_above = {"best case", "growth between", "per head", "money a case", "money a year", "percentile", "median"}
    kinds = set(tested_above)
    for name in ("claims.yaml", "emergency_claims.yaml"):
        ledger = load_ledger(SCENARIOS / name)
        kinds |= {claim.kind for claim in ledger.claims.values()}
        for claim in ledger.claims:
            told = meaning(ledger, claim)
            assert re.fullmatch(r"[A-Z0-9].*\.", told), told
            assert "inf" not in told.split(), told
    assert kinds == set(CLAIMS)


# A ledger to start from


def test_init_writes_a_ledger_that_checks_clean_and_goes_with_its_scenario(tmp_path: Path) -> None:
    import json

    from sim.cli.init import LEDGER_SCHEMA_FILE
    from sim.scenario.editors import EDITED_WITH, ledger_schema
    from sim.scenario.ledger import read_ledger
    from sim.scenario.loading import read
    from sim.studies.claims.laid import lay
    from sim.studies.claims.rules import relations

    file, scenario = tmp_path / "claims.yaml", tmp_path / "scenario.yaml"
    done = tipline("init", file, "--ledger")
    assert done.exit_code == options.DONE, done.output
    assert f"tipline claims {file} SCENARIO" in done.output
    assert tipline("init", scenario).exit_code == options.DONE
    assert tipline("check", file).exit_code == options.DONE
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"{EDITED_WITH.format(LEDGER_SCHEMA_FILE)}\n")
    assert json.loads((tmp_path / LEDGER_SCHEMA_FILE).read_text(encoding="utf-8")) == ledger_schema()
    laid = lay(read_ledger(file), read(scenario))
    assert laid.unfit == {}
    assert all(claim.quotation for claim in laid.file.ledger.claims.values())
    said = {(one.about, one.verdict) for one in relations(laid.file.ledger)}
    assert {("C3", "implied"), ("C6", "at odds")} <= said  # 600,000 for 20,000 tips are 30 each, and not 40
    assert tipline("init", file, "--ledger").exit_code == options.BAD_INPUT
    assert file.read_text(encoding="utf-8") == text


def test_questions_are_asked_for_no_ledger(tmp_path: Path) -> None:
    done = tipline("init", tmp_path / "claims.yaml", "--ledger", "--ask")
    assert done.exit_code == options.BAD_INPUT
    assert "questions are asked for a scenario" in " ".join(done.output.split())
    assert not (tmp_path / "claims.yaml").exists()
