"""Links in a text, and whose they are: read, never fetched. The list of public suffixes is the one that comes with the program.

A link is ours when it leads to our own site or one on the list of the settings, with https, without a user name, a number for a
name or a port. What it looks like does not matter for that; it matters for saying what somebody is being led to believe.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit

import msgspec
import tldextract
from rapidfuzz.distance import Levenshtein

from holdfast.kit import settings

from . import folding

MOST = 10
"""Links of one text that are looked at."""
SHOWN = 200
SHORTENERS = frozenset(
    [
        "t.cn",
        "dwz.cn",
        "suo.im",
        "url.cn",
        "u.nu",
        "mrw.so",
        "sourl.cn",
        "c1n.cn",
        "3.cn",
        "s.ly",
        "bit.ly",
        "tinyurl.com",
        "t.co",
        "goo.gl",
        "is.gd",
        "v.gd",
        "ow.ly",
        "buff.ly",
        "rebrand.ly",
        "cutt.ly",
        "t.ly",
        "shorturl.at",
        "rb.gy",
        "tiny.cc",
        "w.url.cn",
        "dwz.mk",
        "dwz1.cc",
        "985.so",
        "a.co",
        "m.tb.cn",
    ]
)
LONG, SLIPS = 7, 2
"""A name of so many letters is also taken for one with so many slips, or with something before or behind it."""
OUR_NAMES = ("holdfast",)
"""Names under which people know us, beside those of our sites."""
_SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
_WITH_SCHEME = re.compile(
    r"(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}:/{1,3}(?:\[[0-9a-f:.]+\])?(?:[^\s<>\"'。)\]]|。(?=[a-z0-9]))+", re.IGNORECASE
)
_LABEL = r"[^\W_](?:[\w-]{0,62}[^\W_])?"
_BARE = re.compile(
    rf"(?<![\w@.-])(?:{_LABEL}[.。．｡]){{1,6}}(?:[a-zA-Z]{{2,18}}|xn--[a-zA-Z0-9-]{{2,59}}|[\u4e00-\u9fff]{{2,4}})(?![a-zA-Z0-9-])(?::\d+)?(?:/[^\s<>\"'。)\]]*)?"
)
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?:/[^\s。)\]]*)?(?![\w.])")
_TRAILING = ".,;:!?…'"
_BREAKS = str.maketrans(dict.fromkeys("，；！？：、（）【】《》「」『』“”‘’", " "))
"""Chinese punctuation ends a link; the full stop does not: browsers take it for a dot."""
_HAN = re.compile(r"[\u3400-\u9fff]")


class Link(msgspec.Struct, frozen=True):
    """A link as it was written, the site that it would lead to, and what is to be said of it (keys of `words.FINDINGS`).

    `imitates` is the name of ours that the site is drawn to be taken for.
    """

    text: str
    host: str
    site: str
    is_ours: bool
    findings: list[str]
    imitates: str = ""


class Own(msgspec.Struct, frozen=True):
    """Our own sites: hosts, their registrable domains, their names, and the origin under which this program is served."""

    origin: str
    hosts: tuple[str, ...]
    sites: tuple[str, ...]
    names: tuple[str, ...]


def own() -> Own:
    """From the settings: `base_url` and `official_domains`."""
    given = settings.current()
    return _own(given.base_url, given.official_domains)


@cache
def _own(base_url: str, domains: str) -> Own:
    parts = urlsplit(base_url)
    hosts = [(parts.hostname or "").lower(), *(one.strip().lower().lstrip(".") for one in domains.split(","))]
    hosts = [host for host in dict.fromkeys(hosts) if host]
    sites = [site for host in hosts if (site := _site(host))]
    names = [name for site in sites if (name := site.partition(".")[0])]
    return Own(
        f"{parts.scheme}://{parts.netloc}".lower(), tuple(hosts), tuple(dict.fromkeys(sites)), tuple(dict.fromkeys([*OUR_NAMES, *names]))
    )  # fmt: skip


def _site(host: str) -> str:
    """The registrable domain: what somebody has bought. Empty for a number or a name that nobody can buy."""
    found = _SUFFIXES(host)
    return f"{found.domain}.{found.suffix}" if found.domain and found.suffix else ""


def find(text: str) -> list[Link]:
    """The links of a text, each once: with a scheme, bare names of sites, and bare numbers."""
    seen = _seen(text)
    found: list[tuple[int, str]] = []
    for pattern in (_WITH_SCHEME, _BARE, _IP):
        for match in pattern.finditer(seen):
            written = match[0].rstrip(_TRAILING)
            if not any(at <= match.start() < at + len(other) for at, other in found):
                found.append((match.start(), written))
    judged = [judge(written) for _, written in sorted(found)]
    kept = {link.text: link for link in judged if link is not None}
    return list(kept.values())[:MOST]


def _seen(text: str) -> str:
    return folding.visible(text.translate(_BREAKS))


def without(text: str) -> str:
    """The text with a space for each link, for comparing the words."""
    seen = _seen(text)
    for link in find(text):
        seen = seen.replace(link.text, " ")
    return seen


def hosts(text: str) -> list[str]:
    """The sites that the links of one of our own texts lead to."""
    return sorted({link.host for link in find(text)})


def judge(written: str) -> Link | None:
    """What is to be said of a link; None when it is none: a name that ends like no site's."""
    has_scheme = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:/+", written)
    try:
        parts = urlsplit(
            re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*):/+", r"\1://", written) if has_scheme else f"https://{written}"
        )
        typed, port, user = parts.netloc.rpartition("@")[2], parts.port, "@" in parts.netloc
    except ValueError:
        return Link(written[:SHOWN], written[:SHOWN], "", False, ["unreadable"])
    raw = re.sub(r":\d*$", "", typed).replace("。", ".").replace("．", ".").replace("｡", ".").strip(".")
    host = decoded(_cut(raw) if not has_scheme else raw)
    number = _is_number(host)
    site = "" if number else _site(host)
    if not has_scheme and not site and not number:
        return None
    findings = [
        name
        for name, holds in (
            ("not-https", parts.scheme.lower() != "https"), ("user-name", user), ("number", number), ("port", port is not None),
            ("shortener", site in SHORTENERS or host in SHORTENERS), ("foreign-letters", not host.isascii()),
        )
        if holds
    ]  # fmt: skip
    given = own()
    listed = any(host == one or host.endswith("." + one) for one in given.hosts)
    ours = f"{parts.scheme}://{parts.netloc}".lower() == given.origin or (listed and not findings)
    shown = written[written.index(_cut(raw)) :] if not has_scheme and _cut(raw) in written else written
    if ours:
        return Link(shown[:SHOWN], host, site, True, [])
    imitated = imitates(host, site, given.names)
    if imitated:
        findings.append("looks-like-ours")
    return Link(shown[:SHOWN], host, site, False, [*findings, "not-ours"] if not listed else findings, imitated)


def _cut(host: str) -> str:
    """A bare name without the Chinese words that stand right before it: ``请登录evil.com`` leads to evil.com."""
    first, dot, rest = host.partition(".")
    latin = re.search(r"[^\u3400-\u9fff]+$", first)
    return f"{latin[0]}{dot}{rest}" if latin and _HAN.search(first) else host


def decoded(host: str) -> str:
    """The name as people see it: labels that begin with xn-- in their own letters (RFC 3492)."""
    labels = []
    for label in host.split("."):
        shown = label.lower() if label.isascii() else label
        if shown.startswith("xn--"):
            try:
                shown = shown[4:].encode().decode("punycode")
            except (UnicodeError, ValueError):
                shown = label.lower()
        labels.append(shown)
    return ".".join(labels)


def _is_number(host: str) -> bool:
    """An address of the network in any of its forms instead of a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"0x[0-9a-f]+|\d+", host, re.IGNORECASE))
    return True


def imitates(host: str, site: str, names: Sequence[str]) -> str:
    """The name of ours that a site is drawn to be taken for: in letters that look alike, with a slip, or in front of another site."""
    labels = [part for label in host.split(".") for part in (label, *re.split(r"[-_]", label))]
    for name in names:
        wanted = folding.host_skeleton(name)
        for label in labels:
            seen = folding.host_skeleton(label)
            if seen == wanted or (
                len(wanted) >= LONG
                and (wanted in seen or Levenshtein.distance(seen, wanted, score_cutoff=SLIPS) <= SLIPS)
            ):
                return name
    return ""
