"""Passkeys in a real browser, with the browser's own virtual authenticator (Chromium DevTools protocol, domain WebAuthn)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import world

from .browsing import Visit
from .stage import Stage, code_in, national


def with_authenticator(page: Page) -> None:
    """The device has a screen lock that its owner opens at once."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip


def signed_in(me: Visit, stage: Stage, site: str) -> str:
    """Somebody who signs in with a code; their phone."""
    phone, page = world.phone_number(), me.page
    page.goto(site + "/session?next=/account/security")
    page.get_by_label(me.says("Phone number")).fill(national(phone))
    page.get_by_role("button", name=me.says("Send me a code")).click()
    expect(page.get_by_label(me.says("Six-digit code"))).to_be_visible()
    mailbox = me.context.new_page()
    mailbox.goto(site + "/mailbox")
    code = code_in(mailbox.content(), phone)
    mailbox.close()
    page.get_by_label(me.says("Six-digit code")).fill(code)
    page.get_by_text(me.says("Keep me signed in on this device")).last.click()
    page.locator("main form[action='/session'] .btn.wide").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("Security"))
    return phone


@pytest.mark.parametrize(("device", "language"), [("phone", "zh"), ("desk", "en")])
def test_a_passkey_is_added_signs_in_confirms_and_is_removed(
    stage: Stage, visit: Callable[..., Visit], device: str, language: str
) -> None:
    me = visit(device, language)
    page, site = me.page, stage.here.url.replace("127.0.0.1", "localhost")
    with_authenticator(page)
    signed_in(me, stage, site)
    page.get_by_role("button", name=me.says("Add a passkey")).click()
    expect(page.locator("section[aria-labelledby=ways]")).to_contain_text(me.says("Passkey"))

    page.get_by_role("button", name=me.says("Sign out here")).click()
    expect(page.get_by_role("navigation", name=me.says("Main"))).to_contain_text(me.says("Sign in"))
    page.goto(site + "/session?next=/account/security")
    page.locator("form[data-passkey]").get_by_text(me.says("Keep me signed in on this device")).click()
    page.get_by_role("button", name=me.says("Use a passkey")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("Security"))
    expect(page.locator("section[aria-labelledby=recent]")).to_contain_text(me.says("Passkey"))

    page.get_by_role("button", name=me.says("Remove {what}", what=me.says("Passkey"))).first.click()
    expect(page.locator("section[aria-labelledby=ways]")).not_to_contain_text(me.says("Passkey"))


def test_a_device_without_passkeys_says_so_and_another_way_is_there(stage: Stage, visit: Callable[..., Visit]) -> None:
    me = visit("phone", "en")
    site = stage.here.url.replace("127.0.0.1", "localhost")
    with_authenticator(me.page)
    me.page.goto(site + "/session")
    me.page.get_by_role("button", name="Use a passkey").click()
    expect(me.page.get_by_text("No passkey was used. Try again, or choose another way.")).to_be_visible()
    expect(me.page.get_by_role("button", name="Send me a code")).to_be_visible()


def test_without_script_no_passkey_is_offered_and_the_rest_works(stage: Stage, visit: Callable[..., Visit]) -> None:
    me = visit("phone", "en", script=False)
    me.page.goto("/session")
    expect(me.page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    me.page.get_by_role("link", name="My password").click()
    expect(me.page.get_by_label("Password")).to_be_visible()
