"""Members of staff, and how they come to the console."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

import pyotp
from playwright.sync_api import Page

from .browsing import Visit
from .stage import Stage

PASSWORD = "kelp anchors seven boats"


class Colleague(NamedTuple):
    """A member of staff who can sign in once every half minute."""

    login: str
    secret: str

    def code(self) -> str:
        return pyotp.TOTP(self.secret).now()


def hire(stage: Stage, name: str, *roles: str) -> Colleague:
    login = f"{name.lower().replace(' ', '.')}@example.org"
    return Colleague(login, stage.hire(login, name, *roles, password=PASSWORD))


def at_console(me: Visit, stage: Stage, path: str, *roles: str) -> Page:
    """Somebody with these roles at a page of the console: the first of them signs in, later ones have kept the cookies."""
    page, kept = me.page, stage.staff_cookies.get(roles)
    if kept:
        me.context.add_cookies(kept)
        page.goto(path)
    else:
        who = hire(stage, f"He Jun {datetime.now(UTC):%f}", *roles)
        page.goto(path)
        page.get_by_label(me.says("Login")).fill(who.login)
        page.get_by_label(me.says("Password")).fill(PASSWORD)
        page.get_by_label(me.says("Code")).fill(who.code())
        page.get_by_role("button", name=me.says("Sign in")).click()
    page.wait_for_url(re.compile(rf"^https?://[^/]+{re.escape(path)}$"))
    if not kept:
        stage.staff_cookies[roles] = [one for one in me.context.cookies() if one.get("path") == "/console"]
    return page
