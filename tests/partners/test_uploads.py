"""Files of news: whatever a spreadsheet makes of them is read, or every row that is wrong is named."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.partners import News, uploads


def test_the_example_is_read_whatever_wrote_it() -> None:
    news = uploads.read(uploads.EXAMPLE.encode())
    assert [one.kind for one in news] == ["stop", "places", "places", "price", "heartbeat"]
    assert news[0] == News("stop", "hotel-01-std", date(2026, 12, 30), date(2027, 1, 2), note="private party")
    assert (news[2].code, news[2].left) == ("dinner", 12)
    assert news[3].amount_minor == 52_000
    for encoding in ("utf-8-sig", "utf-16", "gb18030"):
        for delimiter in ",;\t":
            assert uploads.read(uploads.EXAMPLE.replace(",", delimiter).encode(encoding)) == news


def test_every_mistake_is_named_with_its_row() -> None:
    text = (
        "kind,product_id,from,left,amount\nstop,a,31.12.2026,,\nplaces,a,2026-12-31,many,\nprice,,,,1.234\nclose,,,,\n"
    )
    with pytest.raises(uploads.RowsWrong) as caught:
        uploads.read(text.encode())
    assert [(one["field"], one["code"]) for one in caught.value.errors] == [
        ("news[0].from", "SHAPE"), ("news[1].left", "SHAPE"), ("news[2].amount", "AMOUNT"), ("news[3].kind", "KIND"),
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(str.encode)
    | st.text(alphabet="kindstop,;\n\"'\t-09", max_size=200).map(lambda text: b"kind,from\n" + text.encode())
)
def test_no_file_is_a_fault(content: bytes) -> None:
    try:
        assert uploads.read(content)
    except uploads.RowsWrong as problem:
        found = problem.errors
    else:
        found = ["read"]
    assert found
