"""Codes of a campaign in a browser: made, brought in after a look at each row, taken out, ended; on a telephone and in Chinese, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .browsing import Visit
from .staff import at_console
from .stage import Stage
from .test_campaigns import sound


@pytest.mark.parametrize(("device", "language"), [("desk", "en"), ("phone", "zh")])
def test_codes_are_made_tried_taken_and_ended(
    visit: Callable[..., Visit], stage: Stage, tmp_path: Path, device: str, language: str
) -> None:
    me = visit(device, language)
    page, says = at_console(me, stage, "/console/campaigns/new", "marketing"), me.says
    page.get_by_label(says("Short name")).fill(f"letters-{device}")
    page.get_by_label(says("Name, in Chinese")).fill("三月来信")
    page.get_by_label(says("Name, in English")).fill("Letters of March")
    page.get_by_role("button", name=says("Save the draft")).click()
    page.get_by_role("link", name=says("Its codes")).click()
    sound(me)
    page.get_by_role("textbox", name=says("Batch")).first.fill("march")
    page.get_by_label(says("Pattern")).fill("MARCH-####-####")
    page.get_by_label(says("How many")).fill("200")
    page.get_by_role("button", name=says("Make them"), exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("200")
    with page.expect_download() as taken:
        page.get_by_role("link", name=says("Download")).click()
    assert Path(taken.value.path()).read_bytes().count(b"MARCH") == 200
    me.witness.excuse(r"^422: POST .*/codes/file$", "a row of the file is wrong")
    bank = tmp_path / "bank.csv"
    bank.write_text(f"code,uses\nBANK-{device}-1234,1\n!,1\n")
    page.get_by_role("textbox", name=says("Batch")).last.fill("bank")
    page.locator("#f-file").set_input_files(bank)
    page.get_by_role("button", name=says("Try it")).click()
    expect(
        page.get_by_text(me.either("优惠码由 4 至 32 个字母和数字组成", "A code has 4 to 32 letters and digits."))
    ).to_be_visible()
    sound(me)
    bank.write_text(f"code,uses\nBANK-{device}-1234,1\n")
    page.locator("#f-file").set_input_files(bank)
    page.get_by_role("button", name=says("Try it")).click()
    sound(me)
    page.get_by_role("button", name=says("Take {count} codes into “{batch}”", count=1, batch="bank")).click()
    expect(page.get_by_role("status")).to_contain_text("1")
    page.get_by_role("textbox", name=says("Offer code")).fill(f"bank {device} 1234")
    page.get_by_role("button", name=says("Look it up")).click()
    sound(me)
    page.get_by_role("textbox", name=says("Reason")).last.fill("printed twice")
    page.get_by_role("button", name=says("End this code")).click()
    expect(page.get_by_role("status")).to_contain_text("1")
