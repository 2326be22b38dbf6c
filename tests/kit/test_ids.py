"""Identifiers: readable, unguessable, and hard to mistype."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.kit import ids

codes = st.builds(ids.new_code)


@given(codes)
def test_a_code_is_read_however_a_person_writes_it(code: str) -> None:
    spoken = f" {ids.show_code(code).lower().replace('0', 'o').replace('1', 'l').replace('2', 'z')} "
    assert ids.read_code(spoken) == code


@given(codes, st.integers(0, 9), st.sampled_from(ids.ALPHABET))
def test_no_single_slip_passes(code: str, place: int, character: str) -> None:
    slipped = code[:place] + character + code[place + 1 :]
    assert ids.read_code(slipped) == (code if slipped == code else None)


@given(codes, st.integers(0, 8))
def test_no_swap_of_neighbours_passes(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert ids.read_code(swapped) == (code if swapped == code else None)


@given(st.text(max_size=200))
def test_no_text_upsets_the_reader(text: str) -> None:
    found = ids.read_code(text)
    assert found is None or len(found) == 10


def test_codes_do_not_repeat_and_use_the_whole_alphabet() -> None:
    found = [ids.new_code() for _ in range(20_000)]
    assert len(set(found)) == len(found)
    assert set("".join(found)) == set(ids.ALPHABET)


def test_uuids_are_version_seven_and_in_order_of_time() -> None:
    import time

    before = ids.uuid7()
    time.sleep(0.002)
    after = ids.uuid7()
    assert before.version == after.version == 7
    assert before.variant == after.variant
    assert before < after
