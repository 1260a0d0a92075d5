"""Where claims were read: what is known of a source, and what it says word for word, held against a kept copy.

Nothing is fetched: an address is only shown. A kept copy is read where it lies, beside the ledger or below, and nowhere
else. What is looked for in it, and what the copy says, are taken alike (`alike`) before they are compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sim.scenario.faults import Fault, Mark, at, shown
from sim.scenario.fields import SAID, Part, Text, rule
from sim.scenario.folder import inside, plain_bytes
from sim.scenario.tree import Node

LARGEST_COPY: Final = 5_000_000
"""Bytes of a kept copy."""

LONGEST_ADDRESS: Final = 2000

LEFT_OUT: Final = "[...]"
"""What stands in a quotation for words that are left out."""

_HASH: Final = r"[0-9a-fA-F]{64}"
_DAY: Final = r"\d{4}(-\d{2}(-\d{2})?)?"
_HTML: Final = (".html", ".htm", ".xhtml")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("an address begins with https:// or http:// and names a host")
    if "@" in parts.netloc:
        raise ValueError("an address holds no user name")
    if not text.isprintable() or re.search(r"[\s\"'<>\\^`{|}]", text):
        raise ValueError("an address holds no spaces, quotation marks, brackets or control characters")
    return text


def is_address(text: str) -> bool:
    """Whether a text is the address of a page on the web, as a source may have it."""
    try:
        return bool(_address(text)) and len(text) <= LONGEST_ADDRESS
    except ValueError:
        return False


def _hash(text: str) -> str:
    if not re.fullmatch(_HASH, text):
        raise ValueError("a SHA-256 is 64 digits and letters from a to f: sha256sum FILE")
    return text.lower()


def _day(text: str) -> str:
    if not re.fullmatch(_DAY, text):
        raise ValueError("a day is written 2025-03-01; a month 2025-03, a year 2025")
    return text


def _page(given: object) -> object:
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


Address = Annotated[
    str,
    Field(max_length=LONGEST_ADDRESS),
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "pattern": "^https?://", SAID: "an address begins with https:// or http://"}),
]
Hash = Annotated[
    str,
    AfterValidator(_hash),
    WithJsonSchema({"type": "string", "pattern": f"^{_HASH}$", SAID: "a SHA-256 is 64 hexadecimal digits"}),
]
Day = Annotated[
    str, AfterValidator(_day), WithJsonSchema({"type": "string", "pattern": f"^{_DAY}$", SAID: "write 2025-03-01"})
]
Page = Annotated[Text, BeforeValidator(_page), WithJsonSchema({"type": ["string", "integer"]})]


class Source(Part):
    """Where claims or facts were read. What is not known is left out, and the page of the claims says so."""

    title: Text = ""
    """What it is called. Such as `Annual report 2024`."""
    says: Text = ""
    """What it is, in words of our own, where it has no title or the title does not say. Such as `a page on calls`."""
    publisher: Text = ""
    """Who published it. Such as `the ministry`."""
    url: Address | None = None
    """Its address: shown, never fetched. Such as `https://example.org/report.html`."""
    date: Text = ""
    """When it was published. Such as `2025-03-01`."""
    accessed: Day | None = None
    """When it was read there. Such as `2025-06-30`."""
    page: Page = ""
    """The page. Such as `12`."""
    place: Text = ""
    """The place in it, where it has no pages. Such as `the second table`."""
    quotation: Text = ""
    """What it says, word for word; looked for in the kept copy. Such as `Every call is answered.`."""
    kept: Text = Field("", alias="copy")
    """A copy that was kept, below the ledger's folder: text or HTML in UTF-8, 5 MB at most. Such as `kept/page.txt`."""
    sha256: Hash | None = None
    """The SHA-256 of a copy that was archived; the kept copy must have it. Such as
    `9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`."""
    known: Text = ""
    """What is known of the source and its publisher besides. Such as `It gives two figures of one year.`."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.title and not self.says:
            raise rule("a source needs a `title`, or `says` what it is", value=False)
        return self

    @property
    def name(self) -> str:
        """What it is called, or else what it is."""
        return self.title or self.says


# What a copy says


def alike(text: str) -> str:
    """A text as it is compared: every run of spaces and line ends as one space, typographic quotation marks, dashes and
    dots as those of a keyboard (NFKC first), marks that have no width left out. Letters keep their case.

    >>> alike("“Half\\u00a0an\\n hour” – it’s…")
    '"Half an hour" - it\\'s...'
    """
    return " ".join(unicodedata.normalize("NFKC", text).translate(_ALIKE).split())


_ALIKE: Final = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛‹›′`´", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff"),
    }
)


class _Words(HTMLParser):
    """The words of a page, those of scripts and styles left out; a mark between words is a space."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("script", "style")
        self.words.append("" if tag in _WITHIN_WORDS else " ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0
        self.words.append("" if tag in _WITHIN_WORDS else " ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


_WITHIN_WORDS: Final = ("a", "abbr", "b", "em", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u", "wbr")


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was kept."""

    text: str
    """What it says, `alike`."""
    sha256: str


@lru_cache(maxsize=1024)
def lacks(copy: Copy, quotation: str) -> str:
    """What of a quotation a copy does not say, in words for a message; "" where it says all of it.

    Words are left out by [...], and what stands between them must come in that order. A quotation begins and ends where
    words and numbers do: "0 %" is not in "90 %", nor "5 %" in "0.5 %".

    >>> copy = Copy(alike("Every call is answered – in 0.5 % of cases twice."), "")
    >>> lacks(copy, "Every call [...] twice"), lacks(copy, "5 % of cases")
    ('', "'5 % of cases' is not there")
    """
    begin = 0
    for part in map(str.strip, alike(quotation).split(LEFT_OUT)):
        if not part:
            continue
        end = _find(copy.text, part, begin)
        if end is None:
            return _as_far(copy.text, part, begin)
        begin = end
    return ""


def _as_far(text: str, part: str, begin: int) -> str:
    words = part.split()
    found, wrong = 0, len(words)
    while wrong - found > 1:  # the more words, the fewer places: the longest beginning that is there
        half = (found + wrong) // 2
        if _find(text, " ".join(words[:half]), begin) is not None:
            found = half
        else:
            wrong = half
    if not found:
        return f"{shown(part)} is not there"
    last = " ".join(words[max(0, found - 8) : found])
    return f"it is there as far as {shown(last)}, and then not {shown(words[found])}"


def _find(text: str, part: str, begin: int) -> int | None:
    """Where a part ends that begins and ends in the text as words and numbers do; None where it stands nowhere so."""
    at = text.find(part, begin)
    while at >= 0:
        end = at + len(part)
        goes_on = _IS_WORD(part[-1]) and _GOES_ON(text[end : end + 2])
        comes_from = _IS_WORD(part[0]) and _COMES_FROM(text[max(at - 2, 0) : at])
        if not goes_on and not comes_from:
            return end
        at = text.find(part, at + 1)
    return None


_IS_WORD: Final = re.compile(r"\w").match
_GOES_ON: Final = re.compile(r"\w|[.,]\d").match
_COMES_FROM: Final = re.compile(r"\w\Z|\d[.,]\Z").search


def copy_of(path: Path) -> Copy:
    """What a kept copy says; ValueError with the rule where it is too large, no text, or cannot be read."""
    try:
        status = path.stat()
        return _copy_of(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=8)
def _copy_of(path: Path, _modified: int, _size: int) -> Copy:
    raw = plain_bytes(path, LARGEST_COPY + 1)
    if len(raw) > LARGEST_COPY:
        raise ValueError(f"a kept copy has at most {LARGEST_COPY // 1_000_000} MB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"a kept copy is text or HTML in UTF-8: byte {error.start + 1} is none") from None
    if path.suffix.lower() in _HTML:
        page = _Words()
        page.feed(text)
        page.close()
        text = "".join(page.words)
    return Copy(alike(text), sha256(raw).hexdigest())


# What is held against it


def kept_faults(root: Node, folder: Path) -> Iterator[Fault]:
    """Every copy that cannot be read or is another than was archived, and every quotation that its copy does not have.

    `root` is the ledger as written, so that other faults of it hide none of these; copies lie below `folder`.
    """
    copies: dict[str, tuple[str, Copy]] = {}
    for name, source in _below(root, "sources").items():
        named, mark = _text(source, "copy")
        if not named:
            continue
        try:
            copy = copy_of(inside(folder, named, of="ledger"))
        except ValueError as error:
            yield at(mark, ("sources", name, "copy"), str(error), shown(named))
            continue
        copies[name] = (named, copy)
        given, mark = _text(source, "sha256")
        if re.fullmatch(_HASH, given) and given.lower() != copy.sha256:
            broken = f"is not that of the kept copy {named}, which is {copy.sha256}"
            yield at(mark, ("sources", name, "sha256"), broken, shown(given))
        yield from _not_there(source, ("sources", name), name, copies)
    for name, claim in _below(root, "claims").items():
        yield from _not_there(claim, ("claims", name), _text(claim, "source")[0], copies)


def _not_there(part: Node, path: tuple[str, str], source: str, copies: dict[str, tuple[str, Copy]]) -> Iterator[Fault]:
    quoted, mark = _text(part, "quotation")
    if source not in copies or not quoted.strip():
        return
    named, copy = copies[source]
    if what := lacks(copy, quoted):
        told = f"must stand word for word in the kept copy of source '{source}' ({named}): {what}"
        yield at(mark, (*path, "quotation"), told, shown(quoted))


def _below(root: Node, kind: str) -> dict[str, Node]:
    node = root.child(kind)
    return dict(node.value) if node is not None and isinstance(node.value, dict) else {}


def _text(part: Node, key: str) -> tuple[str, Mark]:
    """The text under a key and its place; "" where there is none."""
    node = part.child(key)
    return (node.value, node.mark) if node is not None and isinstance(node.value, str) else ("", part.mark)
