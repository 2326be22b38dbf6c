"""``holdfast codes make | single | import | export | show | find | end``: the codes of campaigns."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from holdfast.campaigns import codes, codes_files
from holdfast.campaigns.codes_files import Encoding, Report
from holdfast.campaigns.codes_store import Counts
from holdfast.kit.db import Db

from .desk import FileMissing
from .terminal import who, with_database

ENCODINGS: dict[str, Encoding] = {"utf-8": "utf-8-sig", "gbk": "gb18030"}


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("codes", help="codes of campaigns: made, brought in and out, ended")
    actions = noun.add_subparsers(dest="action", required=True)
    many = actions.add_parser("make", help="many different codes in a batch; again fills up what broke off")
    many.add_argument("campaign")
    many.add_argument("pattern", help="letters and digits as they are, # for a random character: SPRING-####-####")
    many.add_argument("number", type=int)
    many.add_argument("--batch", required=True, help="its name, such as letters-of-march")
    many.add_argument("--uses", type=int, default=1, help="of each code (default 1)")
    many.set_defaults(run=make)
    one = actions.add_parser("single", help="the one code that everybody types")
    one.add_argument("campaign")
    one.add_argument("code")
    one.add_argument("--uses", type=int, required=True, help="how many orders may use it")
    one.set_defaults(run=make_single)
    bring = actions.add_parser(
        "import", help="take codes from a CSV file into a batch, all or none; again changes nothing"
    )
    bring.add_argument("campaign")
    bring.add_argument("file", help="CSV in UTF-8, UTF-16 or GBK with the columns code and uses")
    bring.add_argument("--batch", required=True)
    bring.add_argument("--dry-run", action="store_true", help="say what would become of each row; write nothing")
    bring.set_defaults(run=bring_in)
    write = actions.add_parser("export", help="write codes with their state as CSV to the standard output")
    write.add_argument("campaign")
    write.add_argument("--batch", help="only of this batch")
    write.add_argument("--encoding", choices=list(ENCODINGS), default="utf-8")
    write.add_argument("--language", choices=("zh", "en"), default="zh")
    write.set_defaults(run=export)
    show = actions.add_parser("show", help="the batches of a campaign: left, used, ended")
    show.add_argument("campaign")
    show.set_defaults(run=tell)
    find = actions.add_parser("find", help="what became of one code, as somebody reads it out")
    find.add_argument("code")
    find.set_defaults(run=look_up)
    end = actions.add_parser("end", help="end the codes of a batch, or one of them; what they gave stays given")
    end.add_argument("campaign")
    end.add_argument("--batch", help="all codes of this batch")
    end.add_argument("--code", help="only this one")
    end.add_argument("--reason", required=True, help="kept in the audit trail")
    end.set_defaults(run=end_codes)


def make(given: argparse.Namespace) -> int:
    """Makes a batch."""
    made = with_database(
        lambda db: codes.make(
            db, who(), given.campaign, given.pattern, given.number, batch=given.batch, uses=given.uses
        )
    )
    print(f"{made.made:,} codes made in {made.batch}, {made.known:,} were there; `holdfast codes export` writes them")
    return 0


def make_single(given: argparse.Namespace) -> int:
    """Makes the one code."""
    row = with_database(lambda db: db.run(codes.make_single, who(), given.campaign, given.code, uses=given.uses))
    print(f"{row.code}: {row.uses_max:,} orders may use it, {row.uses:,} did")
    return 0


def bring_in(given: argparse.Namespace) -> int:
    """Imports a file, or says what that would do; exit 1 while a row is wrong."""
    try:
        content = Path(given.file).read_bytes()
    except OSError as reason:
        raise FileMissing(file=given.file) from reason

    async def run(db: Db) -> Report:
        tried = await codes_files.bring(db, who(), given.campaign, content, batch=given.batch, dry_run=True)
        if tried.wrong or given.dry_run:
            return tried
        return await codes_files.bring(db, who(), given.campaign, content, batch=given.batch, dry_run=False)

    report = with_database(run)
    for one in report.errors:
        print(f"row {one.row:6} {one.got:20} {one.message['en']}")
    if report.wrong:
        print(f"nothing was taken: {report.wrong:,} of {report.rows:,} rows are wrong")
        return 1
    print(f"{report.new:,} codes {'would be new' if report.dry_run else 'are new'}, {report.known:,} were there")
    return 0


def export(given: argparse.Namespace) -> int:
    """The file, as Excel opens it."""

    async def run(db: Db) -> bytes:
        async with db.reading() as tx:
            return await codes_files.write(
                tx, given.campaign, given.batch, locale=given.language, encoding=ENCODINGS[given.encoding]
            )

    sys.stdout.buffer.write(with_database(run))
    return 0


def tell(given: argparse.Namespace) -> int:
    """One line for each batch."""

    async def run(db: Db) -> list[Counts]:
        async with db.reading() as tx:
            await codes.require_campaign(tx, given.campaign)
            return await codes.batches(tx, given.campaign)

    for one in with_database(run):
        print(
            f"{one.batch:40} {one.codes:9,} codes: {one.left:,} left, {one.used:,} used, {one.ended:,} ended; {one.uses:,} uses"
            f"{f', {one.late:,} of them paid too late or back after a cut' if one.late else ''}"
        )
    return 0


def look_up(given: argparse.Namespace) -> int:
    """The state of one code; exit 1 if it cannot be used."""
    row = with_database(lambda db: db.read(codes.find, given.code))
    if row is None:
        raise codes.BenefitCodeUnknown
    print(
        f"{codes.show(row.code)}  {row.campaign_id}, batch {row.batch}: {row.state}, {row.uses} of {row.uses_max} uses"
        f"{f', {row.late} of them paid too late or back after a cut: what was promised stands' if row.late else ''}"
    )
    return 0 if row.state == "left" else 1


def end_codes(given: argparse.Namespace) -> int:
    """Ends a batch or a code."""
    if (given.batch is None) == (given.code is None):
        sys.stderr.write("holdfast: name either --batch or --code\n")
        return 2
    ended = with_database(
        lambda db: db.run(codes.end, who(), given.campaign, batch=given.batch, code=given.code, reason=given.reason)
    )
    print(f"{ended:,} codes ended")
    return 0 if ended else 1
