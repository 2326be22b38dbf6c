"""CSV as Excel writes it: byte order marks, GBK, semicolons, its own ideas about dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast import catalogue
from holdfast.catalogue.imports import CatalogueFile
from holdfast.catalogue.model import CatalogueFileUnreadable

from .samples import file, folder, mistakes

VENUES = "id,name_zh,name_en,city_zh,city_en,kind\ngarden,园林,Garden,苏州,Suzhou,garden\n"
OPENINGS = "venue_id,season,opens,closes,last_entry\ngarden,all-year,8:00,18:00,17:00\n"
POLICIES = "venue_id,origin,from_date,kind,value\ngarden,day-cap,2020/1/1,absolute,100\n"
PRODUCTS = "id,venue_id,name_zh,name_en,release_days\ngarden-entry,garden,门票,Entry,7\n"
TIMESLOTS = (
    "product_id,code,starts,ends,share_percent\ngarden-entry,am,08:00,12:00,60%\ngarden-entry,pm,12:00:00,18:00:00,40\n"
)
PRICES = (
    "id,product_id,ticket,name_zh,name_en,amount,uses_place\n"
    "garden-adult,garden-entry,adult,成人,Adult,60.50,是\ngarden-child,garden-entry,child,成人,Adult,0,否\n"
)
TABLES = {
    "venues": VENUES,
    "openings": OPENINGS,
    "policies": POLICIES,
    "products": PRODUCTS,
    "timeslots": TIMESLOTS,
    "prices": PRICES,
}


def things(found: CatalogueFile) -> list[tuple[str, tuple[str, ...], dict[str, Any]]]:
    return sorted((entry.table, entry.key, entry.values) for entry in found.entries)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_a_folder_of_csv_files_means_what_the_json_means(tmp_path: Path, encoding: str) -> None:
    found = catalogue.read(folder(tmp_path / "csv", **{name: text.encode(encoding) for name, text in TABLES.items()}))
    assert things(found) == things(file())


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_and_tabs_part_cells_too(tmp_path: Path, delimiter: str) -> None:
    texts = {name: text.replace(",", delimiter).replace("\n", "\r\n") for name, text in TABLES.items()}
    assert things(catalogue.read(folder(tmp_path / "csv", **texts))) == things(file())


def test_dates_are_read_as_excel_rewrites_them(tmp_path: Path) -> None:
    def seasons(first: str, last: str) -> list[tuple[str, str]]:
        text = f"venue_id,season,from_day,to_day,opens,closes,last_entry\ngarden,warm,{first},{last},8:00,18:00,17:00\n"
        path = folder(tmp_path / "csv", openings=text)
        return [(entry.values["from_day"], entry.values["to_day"]) for entry in catalogue.read(path).entries]

    for first, last in (("04-01", "10-31"), ("4月1日", "10月31日"), ("1-Apr", "31-Oct"), ("2027/4/1", "2027/10/31")):
        assert seasons(first, last) == [("04-01", "10-31")]


def test_rows_are_counted_as_excel_counts_them() -> None:
    text = "id,product_id,ticket,name_en,amount\na-adult,aa,adult,Adult,60\n\n,,,,\nb-adult,aa,adult,Adult,sixty\n"
    assert mistakes(text.encode(), "prices.csv") == [("row 5", "amount", "NOT_MONEY")]


def test_header_mistakes_are_told_together() -> None:
    text = "id,name_en,name_en,colour,kind\ngarden,Garden,Garden,green,garden\n"
    assert mistakes(text.encode(), "venues.csv") == [
        ("row 1", "name_en", "COLUMN_TWICE"),
        ("row 1", "colour", "COLUMN_UNKNOWN"),
        ("row 1", "city", "COLUMN_MISSING"),
        ("row 2", "city", "MISSING"),
    ]


def test_a_comma_too_many_is_noticed() -> None:
    assert ("row 2", "", "ROW_TOO_LONG") in mistakes((VENUES.rstrip() + ",1\n").encode(), "venues.csv")


def test_all_files_of_a_folder_are_read_before_anything_is_said(tmp_path: Path) -> None:
    path = folder(
        tmp_path / "csv",
        venues=VENUES.replace(",garden\n", ",castle\n"),
        prices=PRICES.replace("60.50", "-5"),
        guests="id\n",
    )
    with pytest.raises(CatalogueFileUnreadable) as raised:
        catalogue.read(path)
    assert {(error["file"], error["code"]) for error in raised.value.errors} == {
        ("guests.csv", "FILE_UNKNOWN"), ("venues.csv", "NOT_CHOICE"), ("prices.csv", "TOO_SMALL"),
    }  # fmt: skip


def test_provenance_and_cancellation_have_columns() -> None:
    text = (
        "id,venue_id,name_en,cancel_text_en,cancel_days_before,cancel_time\n"
        "garden-entry,garden,Entry,Until 18:00 the day before.,1,18:00\n"
    )
    [entry] = catalogue.imports.read_upload(text.encode(), "products.csv").entries
    assert entry.values["cancel_rule"] == {
        "text": {"en": "Until 18:00 the day before."},
        "days_before": 1,
        "time": "18:00:00",
    }
    text = "product_id,code,starts,ends,share_percent,status,source,note_en\ngarden-entry,am,9:00,12:00,50,derived,S1,half\n"
    [entry] = catalogue.imports.read_upload(text.encode(), "timeslots.csv").entries
    assert entry.values["provenance"] == {"status": "derived", "source": "S1", "note": {"en": "half"}}
