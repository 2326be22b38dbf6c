"""Codes: made by the hundred thousand, typed in every way, brought in and out, ended, and never guessed."""

from __future__ import annotations

import asyncio
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import cli
from holdfast.campaigns import codes, codes_files, codes_store, drafts_store
from holdfast.campaigns.codes import BenefitCodeUnknown, CodesTooOften, CodeTaken
from holdfast.campaigns.codes_files import CodesFileUnreadable, CodesFileWrong
from holdfast.campaigns.model import CampaignUnknown
from holdfast.kit import actor, clock, ids
from holdfast.kit import settings as kit_settings
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import InvalidInput

WHO = actor.system("test")
pytestmark = pytest.mark.anyio


async def campaign(db: Db, *names: str) -> None:
    for name in names or ("spring",):
        await db.run(drafts_store.insert_campaign, name, {"zh": "春节", "en": "Spring"}, "test", clock.now())


async def spend(db: Db, code: str, times: int = 1) -> None:
    """Uses a code up as the door in the booking's transaction does."""

    async def use(tx: Tx) -> None:
        await tx.execute("update campaigns.codes set uses = uses + %(n)s where code = %(code)s", n=times, code=code)

    await db.run(use)


async def every(db: Db) -> list[codes_store.CodeRow]:
    async with db.reading() as tx:
        return [row async for row in codes_store.of_batch(tx, "spring", None)]


# As people type them


WAYS = [
    "SPRING7K3Q",
    "spring7k3q",
    " SPRING-7K3Q ",
    "ｓｐｒｉｎｇ７ｋ３ｑ",
    "Spring 7k3q",
    "SPRING—7K3Q",
    "\tspring‐7k3q\n",
]


@pytest.mark.parametrize("typed", [*WAYS, "spring\u200b7k3q", "SPRING\u30007K3Q"])
def test_case_width_spaces_and_dashes_do_not_matter(typed):
    assert codes.read(typed) == "SPRING7K3Q"


@pytest.mark.parametrize(
    "typed", ["", "abc", "a" * 33, "春节优惠码", "SPRING_7K3Q", "SPRING'; --", "ＳＰＲ", "x" * 10_000]
)
def test_what_can_be_no_code_is_none(typed):
    assert codes.read(typed) is None


@settings(deadline=None)
@given(st.text(max_size=200))
def test_reading_never_fails_and_reading_twice_changes_nothing(typed):
    code = codes.read(typed)
    assert code is None or (codes.read(code) == code and re.fullmatch("[A-Z0-9]{4,32}", code))


async def test_a_misread_letter_still_finds_the_code_and_a_code_with_that_letter_comes_first(db: Db) -> None:
    await campaign(db)
    await db.run(codes.make_single, WHO, "spring", "SPR1NG0V2", uses=1)
    assert (await codes.look_up(db, "sprIng-OUZ", "here")).code == "SPR1NG0V2"
    await db.run(codes_store.insert, "spring", "bank", ["SPRINGOUZ"], [1], clock.now())
    assert (await codes.look_up(db, "springouz", "here")).code == "SPRINGOUZ"


# Made


async def test_twenty_five_thousand_codes_are_different_and_hold_nothing_that_is_misread(db: Db) -> None:
    await campaign(db)
    made = await codes.make(db, WHO, "spring", "NB-####-####-##", 25_000, batch="letters", uses=2)
    assert (made.made, made.known) == (25_000, 0)
    rows = await every(db)
    assert len({row.code for row in rows}) == 25_000
    assert all(re.fullmatch(f"NB[{ids.ALPHABET}]{{10}}", row.code) and row.uses_max == 2 for row in rows)
    assert not set("ILOUZ") & set("".join(row.code[2:] for row in rows))


async def test_a_batch_that_broke_off_is_filled_up_and_a_full_one_gets_no_more(db: Db) -> None:
    await campaign(db)
    first = await codes.make(db, WHO, "spring", "NB##########", 40, batch="letters")
    assert first.made == 40
    again = await codes.make(db, WHO, "spring", "NB##########", 100, batch="letters")
    assert (again.made, again.known) == (60, 40)
    assert (await codes.make(db, WHO, "spring", "NB##########", 100, batch="letters")).made == 0
    assert (await db.read(codes.counts, "spring")).codes == 100


async def test_two_who_make_the_same_code_end_with_one_and_the_rest_is_drawn_again(db: Db, monkeypatch) -> None:
    await campaign(db)
    await db.run(codes_store.insert, "spring", "older", ["NB0000000001"], [1], clock.now())
    drawn, real = [["NB0000000001", "NB0000000002"]], codes.drawn
    monkeypatch.setattr(codes, "drawn", lambda pattern, number: drawn.pop() if drawn else real(pattern, number))
    made = await codes.make(db, WHO, "spring", "NB##########", 2, batch="letters")
    assert made.made == 2
    assert (await db.read(codes.counts, "spring", "letters")).codes == 2
    assert (await db.read(codes.counts, "spring", "older")).codes == 1


@pytest.mark.parametrize(
    ("pattern", "number", "batch", "uses", "expected"),
    [
        ("春节####", 1, "b", 1, ["pattern"]),
        ("A" * 33, 1, "b", 1, ["pattern"]),
        ("NB####", 1000, "b", 1, ["pattern"]),
        ("NB##########", 0, "b", 1, ["number"]),
        ("NB##########", 1_000_001, "b", 1, ["number"]),
        ("NB##########", 1, "single", 1, ["batch"]),
        ("NB##########", 1, "Batch 1", 1, ["batch"]),
        ("?", -1, "", 0, ["pattern", "number", "uses", "batch"]),
    ],
)
def test_every_wrong_figure_is_named_at_once(pattern, number, batch, uses, expected):
    with pytest.raises(InvalidInput) as wrong:
        codes.check_pattern(pattern, number, batch=batch, uses=uses)
    assert [one["field"] for one in wrong.value.errors] == expected
    assert all(one["message"]["zh"] != one["message"]["en"] for one in wrong.value.errors)


def test_a_code_is_not_found_by_trying():
    with pytest.raises(InvalidInput) as wrong:
        codes.check_pattern("NB#######", 100_000, batch="b", uses=1)
    assert "at least 8 signs #" in wrong.value.errors[0]["message"]["en"]
    codes.check_pattern("NB########", 100_000, batch="b", uses=1)
    assert 31**8 >= 100_000 * codes.SPARSE > 31**7


async def test_a_single_code_is_made_once_and_belongs_to_one_campaign(db: Db) -> None:
    await campaign(db, "spring", "summer")
    row = await db.run(codes.make_single, WHO, "spring", "spring 27", uses=5000)
    assert (row.code, row.uses_max, row.batch, row.state) == ("SPRING27", 5000, "single", "left")
    assert await db.run(codes.make_single, WHO, "spring", "SPRING27", uses=5000) == row
    with pytest.raises(CodeTaken):
        await db.run(codes.make_single, WHO, "summer", "SPRING27", uses=1)
    with pytest.raises(CampaignUnknown):
        await db.run(codes.make_single, WHO, "autumn", "AUTUMN27", uses=1)
    with pytest.raises(InvalidInput):
        await db.run(codes.make_single, WHO, "spring", "春", uses=0)


async def test_codes_of_a_campaign_that_is_not_there_are_not_made(db: Db) -> None:
    with pytest.raises(CampaignUnknown):
        await codes.make(db, WHO, "autumn", "NB##########", 1, batch="letters")


# Looked up and ended


async def test_a_code_says_whether_it_is_left_used_or_ended(db: Db) -> None:
    await campaign(db)
    await db.run(codes_store.insert, "spring", "bank", ["FIRST111", "SECOND22", "THIRD333"], [1, 2, 1], clock.now())
    await spend(db, "FIRST111")
    await spend(db, "SECOND22")
    assert (await codes.look_up(db, "first-111", "here")).state == "used"
    assert (await codes.look_up(db, "second22", "here")).uses == 1
    assert await db.run(codes.end, WHO, "spring", code="third333", reason="printed twice") == 1
    assert (await codes.look_up(db, "THIRD333", "here")).state == "ended"
    with pytest.raises(BenefitCodeUnknown):
        await codes.look_up(db, "FOURTH44", "here")
    found = await db.read(codes.counts, "spring", "bank")
    assert (found.codes, found.left, found.used, found.ended, found.uses) == (3, 1, 1, 1, 2)
    states = {row.code: row.state for row in await every(db)}
    assert states == {"FIRST111": "used", "SECOND22": "left", "THIRD333": "ended"}


async def test_a_batch_is_ended_whole_and_only_once(db: Db) -> None:
    await campaign(db, "spring", "summer")
    await codes.make(db, WHO, "spring", "NB##########", 30, batch="one")
    await codes.make(db, WHO, "spring", "NB##########", 20, batch="two")
    await codes.make(db, WHO, "summer", "NB##########", 10, batch="one")
    assert await db.run(codes.end, WHO, "spring", batch="one", reason="sent to the wrong people") == 30
    assert await db.run(codes.end, WHO, "spring", batch="one", reason="again") == 0
    states = {(one.batch, one.left, one.ended) for one in await db.read(codes.batches, "spring")}
    assert states == {("one", 0, 30), ("two", 20, 0)}
    assert (await db.read(codes.counts, "summer")).left == 10
    with pytest.raises(BenefitCodeUnknown):
        await db.run(codes.end, WHO, "spring", code="NOBODYS1", reason="not there")


async def test_wrong_codes_are_limited_and_right_ones_are_not_counted(db: Db) -> None:
    await campaign(db)
    await db.run(codes.make_single, WHO, "spring", "SPRING27", uses=5)
    for _ in range(codes.LOOKUPS + 5):
        assert await codes.look_up(db, "spring27", "a crowded office")
    for n in range(codes.LOOKUPS):
        with pytest.raises(BenefitCodeUnknown):
            await codes.look_up(db, f"GUESS{n:04d}", "a guesser")
    with pytest.raises(CodesTooOften) as often:
        await codes.look_up(db, "spring27", "a guesser")
    assert 0 < often.value.fields["retry_after_s"] <= codes.LOOKUP_WINDOW_S
    assert await codes.look_up(db, "spring27", "somebody else")


# In files

FILE = "优惠码,次数,备注\r\nbank-0001,3,王\r\nＢＡＮＫ　0002,,李\r\n\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
async def test_a_file_in_any_usual_encoding_is_tried_taken_and_taken_once(db: Db, encoding: str) -> None:
    await campaign(db)
    content = FILE.encode(encoding)
    tried = await codes_files.bring(db, WHO, "spring", content, batch="bank", dry_run=True)
    assert (tried.rows, tried.new, tried.known, tried.wrong, tried.dry_run) == (2, 2, 0, 0, True)
    assert await every(db) == []
    assert (await codes_files.bring(db, WHO, "spring", content, batch="bank", dry_run=False)).new == 2
    assert [(row.code, row.uses_max, row.batch) for row in await every(db)] == [
        ("BANK0001", 3, "bank"),
        ("BANK0002", 1, "bank"),
    ]
    again = await codes_files.bring(db, WHO, "spring", content, batch="bank", dry_run=False)
    assert (again.new, again.known) == (0, 2)


async def test_every_wrong_row_is_named_and_then_none_is_taken(db: Db) -> None:
    await campaign(db)
    await db.run(codes_store.insert, "spring", "older", ["TAKEN001"], [1], clock.now())
    content = b"code;uses\nGOOD0001;1\nno;1\nGOOD0002;many\nGOOD0003;1001\ngood-0001;1\nTAKEN001;1\n"
    tried = await codes_files.bring(db, WHO, "spring", content, batch="bank", dry_run=True)
    assert [(one.row, one.got, one.code) for one in tried.errors] == [
        (3, "no", "CODE_SHAPE"), (4, "many", "USES_NUMBER"), (5, "1001", "USES_NUMBER"), (6, "good-0001", "CODE_TWICE"),
        (7, "TAKEN001", "CODE_TAKEN"),
    ]  # fmt: skip
    assert tried.errors[3].message == {"zh": "该优惠码在第 2 行也出现。", "en": "This code stands in row 2 as well."}
    assert "“older” of “spring”" in tried.errors[4].message["en"]
    assert (tried.rows, tried.new, tried.wrong) == (6, 1, 5)
    with pytest.raises(CodesFileWrong) as wrong:
        await codes_files.bring(db, WHO, "spring", content, batch="bank", dry_run=False)
    assert wrong.value.fields["report"]["wrong"] == 5
    assert [row.code for row in await every(db)] == ["TAKEN001"]


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b'code\n"unclosed\n', b"\xff\xfe\x00", b"\x81\xff\xff", "数量\n3\n".encode("gbk")],
)
async def test_what_is_no_file_of_codes_is_refused_with_a_reason(db: Db, content: bytes) -> None:
    await campaign(db)
    with pytest.raises(CodesFileUnreadable) as wrong:
        await codes_files.bring(db, WHO, "spring", content, batch="bank", dry_run=True)
    [error] = wrong.value.errors
    assert error["field"] == "file"
    assert error["message"]["zh"] != error["message"]["en"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
async def test_what_is_written_can_be_read_again(db: Db, encoding) -> None:
    await campaign(db)
    await codes.make(db, WHO, "spring", "NB##########", 10_500, batch="letters", uses=3)
    await spend(db, (await every(db))[0].code, 3)
    async with db.reading() as tx:
        content = await codes_files.write(tx, "spring", "letters", locale="zh", encoding=encoding)
    lines = content.decode(encoding).splitlines()
    assert lines[0] == "code,uses_max,uses,state,batch,made_at,late"
    assert (len(lines), lines[1].split(",")[3], lines[2].split(",")[3]) == (10_501, "已用完", "可使用")
    rows, errors, count = codes_files.read(content)
    assert (len(rows), errors, count) == (10_500, [], 10_500)
    assert rows[0].uses == 3


# From the command line


@pytest.fixture
def holdfast(database_url, monkeypatch, capsysbinary):
    """``holdfast("codes", "show", "spring")``: exit code and what was printed."""
    here = msgspec.structs.replace(kit_settings.current(), database_url=database_url)
    monkeypatch.setattr(kit_settings, "current", lambda: here)

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(["codes", *arguments])
        said = capsysbinary.readouterr()
        return code, (said.out + said.err).decode("utf-8-sig")

    return run


def test_codes_are_made_shown_written_brought_in_and_ended_from_the_command_line(
    holdfast, database_url, tmp_path
) -> None:
    async def ground() -> None:
        db = await Db(database_url, size=2).open()
        await campaign(db)
        await db.close()

    asyncio.run(ground())
    assert holdfast("make", "spring", "NB-####-######", "20", "--batch", "letters")[1].startswith(
        "20 codes made in letters, 0 were there"
    )
    assert holdfast("single", "spring", "spring27", "--uses", "500") == (0, "SPRING27: 500 orders may use it, 0 did\n")
    assert holdfast("find", "Spring-27")[1] == "SPRI-NG27  spring, batch single: left, 0 of 500 uses\n"
    written = holdfast("export", "spring", "--batch", "letters", "--language", "en")[1]
    assert written.count("can be used") == 20
    file = tmp_path / "bank.csv"
    file.write_bytes("优惠码\nBANK0001\nx\n".encode("gbk"))
    code, said = holdfast("import", "spring", str(file), "--batch", "bank", "--dry-run")
    assert (code, "row      3 x" in said, "nothing was taken: 1 of 2 rows are wrong" in said) == (1, True, True)
    file.write_bytes("优惠码\nBANK0001\n".encode("gbk"))
    assert holdfast("import", "spring", str(file), "--batch", "bank") == (0, "1 codes are new, 0 were there\n")
    assert holdfast("end", "spring", "--batch", "bank", "--reason", "given out twice") == (0, "1 codes ended\n")
    assert holdfast("find", "bank0001")[0] == 1
    said = holdfast("show", "spring")[1]
    assert [line.split()[0] for line in said.splitlines()] == ["bank", "single", "letters"]
    assert holdfast("show", "autumn")[0] == 3
    assert holdfast("import", "spring", str(tmp_path / "none.csv"), "--batch", "bank")[0] == 3
    assert holdfast("end", "spring", "--reason", "neither")[0] == 2
