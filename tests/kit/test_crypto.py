"""Sealed fields open only where they belong; indexes and links tell nothing without the key."""

from __future__ import annotations

import pytest

from holdfast.kit import crypto


def test_a_sealed_field_opens_only_for_its_column() -> None:
    sealed = crypto.seal("orders.travellers.name", "王小明")
    assert crypto.unseal("orders.travellers.name", sealed) == "王小明"
    assert "王小明".encode() not in sealed
    for column, stored in (
        ("orders.travellers.document", sealed),
        ("orders.travellers.name", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("orders.travellers.name", b""),
        ("orders.travellers.name", b"\x02" + sealed[1:]),
    ):
        with pytest.raises(crypto.Undecipherable):
            crypto.unseal(column, stored)


def test_the_same_text_is_sealed_differently_each_time_but_indexed_alike() -> None:
    assert crypto.seal("c", "x") != crypto.seal("c", "x")
    assert crypto.blind_index("document", "x") == crypto.blind_index("document", "x")
    assert crypto.blind_index("document", "x") != crypto.blind_index("phone", "x")


def test_a_link_opens_its_own_subject_only() -> None:
    token = crypto.link_token("order", "A")
    assert crypto.link_token_fits("order", "A", token)
    assert not crypto.link_token_fits("order", "B", token)
    assert not crypto.link_token_fits("invoice", "A", token)
    assert not crypto.link_token_fits("order", "A", "")
    assert not crypto.link_token_fits("order", "A", "\ud800é")


def test_foreign_signatures_do_not_verify() -> None:
    key = crypto.ticket_key()
    public = crypto.public_bytes(key.public_key())
    assert crypto.verifies(public, key.sign(b"m"), b"m")
    assert not crypto.verifies(public, key.sign(b"m"), b"n")
    assert not crypto.verifies(public, b"short", b"m")
    assert not crypto.verifies(b"short", key.sign(b"m"), b"m")
