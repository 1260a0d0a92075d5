"""Sources of claims: what may be said of one, and quotations that are held against the copy that was kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sim.scenario.faults import ScenarioError
from sim.scenario.ledger import Ledger, load_ledger
from sim.scenario.sources import LARGEST_COPY, Copy, alike, lacks
from tests.scenario.small import SCENARIOS, messages

COPY = """\
Our promises

Every  call is answered “within one minute” – that’s
a promise. In 2023 we took 30,000 calls, 90 % of them in time,
0.5 % of them twice.
"""
QUOTATION = 'Every call is answered "within one minute"'
LEDGER = """\
ledger: Kept
sources:
  page: {{title: A page, copy: {copy}{more}}}
subjects: {{calls: {{says: calls}}}}
clocks: {{wait: {{says: until the answer}}}}
claims:
  C1:
    source: page
    says: Calls are answered in a minute.
    quotation: {quotation}
    place: under Our promises
    kind: share within
    subject: calls
    clock: wait
    quantity: 1 min
"""


def kept(
    folder: Path,
    quotation: str = QUOTATION,
    *,
    copy: str = "kept/page.txt",
    more: str = "",
    text: str | bytes = COPY,
) -> Ledger:
    """The ledger of one claim, beside a copy of its source."""
    (folder / "kept").mkdir(exist_ok=True)
    raw = text if isinstance(text, bytes) else text.encode()
    if copy.startswith("kept/"):
        (folder / copy).write_bytes(raw)
    path = folder / "claims.yaml"
    quoted = "'" + quotation.replace("'", "''") + "'"
    path.write_text(LEDGER.format(copy=copy, more=more, quotation=quoted), encoding="utf-8")
    return load_ledger(path)


def refused(folder: Path, *arguments: str, **options: str | bytes) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        kept(folder, *arguments, **options)  # type: ignore[arg-type]
    return [message.removeprefix("claims.yaml:") for message in messages(caught.value)]


@pytest.mark.parametrize(
    "quotation",
    [
        QUOTATION,
        "answered “within\none minute” — that's a promise.",  # line ends, typographic marks and dashes are alike
        "Every call [...] a promise",
        "In 2023 we took 30,000 calls [...] in time",
        "90 % of them in time",
    ],
)
def test_a_quotation_that_the_kept_copy_has_is_taken(tmp_path: Path, quotation: str) -> None:
    assert alike(kept(tmp_path, quotation).claims["C1"].quotation) == alike(quotation)


@pytest.mark.parametrize(
    ("quotation", "told"),
    [
        ("Every call is answered in time", "it is there as far as 'Every call is answered', and then not 'in'"),
        ("No call is answered", "'No call is answered' is not there"),
        ("every call is answered", "'every call is answered' is not there"),
        ("0 % of them in time", "'0 % of them in time' is not there"),
        ("5 % of them twice", "'5 % of them twice' is not there"),
        ("In 2023 we took 30", "it is there as far as 'In 2023 we took', and then not '30'"),
        ("a promise [...] Every call", "'Every call' is not there"),
    ],
)  # fmt: skip
def test_one_that_it_has_not_is_a_fault_with_its_place(tmp_path: Path, quotation: str, told: str) -> None:
    (said,) = refused(tmp_path, quotation)
    rule = "10:16: claims.C1.quotation: must stand word for word in the kept copy of source 'page' (kept/page.txt)"
    assert said == f"{rule}: {told} (got '{quotation}')"


def test_a_copy_of_a_page_is_read_without_its_marks(tmp_path: Path) -> None:
    page = "<style>p {x: y}</style><p>Every call is <b>answ</b>ered</p><p>&ldquo;within one&nbsp;minute&rdquo;</p>"
    assert kept(tmp_path, copy="kept/page.html", text=page)
    (said,) = refused(tmp_path, "p {x: y}", copy="kept/page.html", text=page)
    assert "is not there" in said


def test_the_copy_must_be_the_one_that_was_archived(tmp_path: Path) -> None:
    right = hashlib.sha256(COPY.encode()).hexdigest()
    assert kept(tmp_path, more=f", sha256: {right}").sources["page"].sha256 == right
    assert kept(tmp_path, more=f", sha256: {right.upper()}").sources["page"].sha256 == right
    wrong = "0" * 63 + "a"
    assert refused(tmp_path, more=f", sha256: {wrong}") == [
        f"3:54: sources.page.sha256: is not that of the kept copy kept/page.txt, which is {right} (got '{wrong[:60]}…')"
    ]


def test_all_faults_of_sources_and_quotations_come_in_one_go(tmp_path: Path) -> None:
    said = refused(tmp_path, "No.", more=", sha256: 12ab, url: 'javascript:alert(1)', quotation: Never., kind: none")
    assert [one.split(": ")[1] for one in said] == [
        "sources.page.sha256",
        "sources.page.url",
        "sources.page.quotation",
        "sources.page.kind",
        "claims.C1.quotation",
    ]


@pytest.mark.parametrize(
    ("copy", "text", "says"),
    [
        ("kept/page.txt", b"\xff\xfe", "a kept copy is text or HTML in UTF-8: byte 1 is none"),
        ("kept/page.txt", b" " * (LARGEST_COPY + 1), "a kept copy has at most 5 MB"),
        ("page.txt", "", "there is no such file below the ledger's folder"),
        ("../page.txt", "", "a file that is read must lie below the ledger's folder"),
        ("/etc/passwd", "", "a file that is read must lie below the ledger's folder"),
        ("kept", "", "is not a plain file"),
    ],
)
def test_a_copy_that_cannot_be_read_is_a_fault(tmp_path: Path, copy: str, text: str | bytes, says: str) -> None:
    (said,) = refused(tmp_path, copy=copy, text=text)
    assert said == f"3:31: sources.page.copy: {says} (got '{copy}')"


def test_a_copy_outside_is_not_read_by_way_of_a_link(tmp_path: Path) -> None:
    inner = tmp_path / "ledger"
    inner.mkdir()
    (tmp_path / "secret.txt").write_text(COPY, encoding="utf-8")
    (inner / "link.txt").symlink_to(tmp_path / "secret.txt")
    (said,) = refused(inner, copy="link.txt")
    assert "must lie below the ledger's folder" in said


@pytest.mark.parametrize("url", ["https://example.org/a?b=c#d", "http://example.org"])
def test_an_address_on_the_web_is_taken(tmp_path: Path, url: str) -> None:
    assert kept(tmp_path, more=f", url: '{url}'").sources["page"].url == url


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "data:text/html,x",
        "javascript:alert(1)",
        "https://",
        "https://bank.example@example.org/",
        'https://example.org/"onclick=x',
        "https://example.org/a b",
        "https://[::1/",
    ],
)
def test_any_other_address_is_refused(tmp_path: Path, url: str) -> None:
    (said,) = refused(tmp_path, more=f", url: '{url}'")
    assert "sources.page.url: an address " in said


def test_a_source_has_a_title_or_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(LEDGER.format(copy="''", more="", quotation="x").replace("title: A page, ", ""), encoding="utf-8")
    with pytest.raises(ScenarioError, match="a source needs a `title`, or `says` what it is"):
        load_ledger(path)


def test_days_are_days_and_pages_may_be_numbers(tmp_path: Path) -> None:
    found = kept(tmp_path, more=", accessed: 2025-06-30, page: 12").sources["page"]
    assert (found.accessed, found.page) == ("2025-06-30", "12")
    assert "a day is written" in refused(tmp_path, more=", accessed: yesterday")[0]


def test_texts_are_alike_that_differ_in_how_they_are_set() -> None:
    assert alike("„Half\u00a0an\n  hour“ – it’s so…") == '"Half an hour" - it\'s so...'
    assert alike("co\u00adoperate, of\ufb01ce") == "cooperate, office"
    assert not lacks(Copy(alike("“a” – b"), ""), '"a"  -  b')
    assert lacks(Copy(alike("It grew."), ""), "it grew.")
    assert not lacks(Copy(alike("10 %, then 5 %."), ""), "5 %")


def test_every_claim_of_the_two_articles_is_quoted_with_its_place_and_address() -> None:
    found = load_ledger(SCENARIOS / "claims.yaml")
    assert all(claim.quotation and claim.place for claim in found.claims.values())
    assert all(source.url and source.sha256 and not source.kept for source in found.sources.values())
    for claim in found.claims.values():
        assert len(claim.quotation.split()) <= 25, claim.quotation
