"""Texts for the tests of checking: what the outbox really sends, the incident's false text, and written-out ways to alter a text."""

from __future__ import annotations

import re
from collections.abc import Callable

from holdfast import notices
from holdfast.kit.db import Db
from holdfast.notices import outbox

SCAM = "如您使用了2025年1月16日下午14:00出现的政府补贴bug,产生的优惠费用后续将从您的支付宝里扣回,敬请谅解!!"
"""As people quoted it: no link, no signature, and the wrong time. (docs/decisions/0032)"""
SCAM_EN = "If you used the government subsidy bug of 16 January, the discount you got will be taken back from your Holdfast account."
PHONE, MASKED = "+8613800001234", "138****1234"
VALUES = {
    "code": "482915", "number": "7K3QF-90XMA", "pin": "7K3Q-90XM", "link": "http://127.0.0.1:8000/orders/7K3QF90XMA?token=dGhpcyBpcyBpdA",
    "amount": "¥120.00", "other": "139****5678", "what": "Chrome · Android", "count": "2", "when": "12月1日 09:00–11:00", "place": "东林寺",
    "until": "11月30日 18:00", "invoice": "FP-2026-000123", "days": "7", "day": "2026-12-05", "since": "08:15", "venue": "西山国家森林公园",
    "host": "hooks.example.org", "campaign": "秋游立减", "label": "平台补贴", "reason": "places",
}  # fmt: skip


def values_of(template: str) -> dict[str, str]:
    return {name: VALUES.get(name, "12345") for name in re.findall(r"{(\w+)}", outbox.TEMPLATES[template])}


async def sent(db: Db, template: str, locale: str, channel: str = "sms", **values: str) -> notices.Message:
    """A message as the outbox has it after really sending it."""
    given = values_of(template) | values
    if channel == "sms":
        await db.run(notices.send, PHONE, MASKED, template, locale, **given)
    else:
        await db.run(notices.send_mail, "mei@example.org", "m***@example.org", template, locale, **given)
    [message] = await db.read(notices.recent, 1)
    return message


def _homoglyphs(text: str) -> str:
    return text.translate(str.maketrans("aceopxyiug", "асеорхуіսց")) + ("а" if text.isascii() else "")


def _drawn(text: str) -> str:
    return text.replace("支", "攴").replace("宝", "寳").replace("回", "囬").replace("您", "悠")


TRADITIONAL = str.maketrans(
    "产优费后续将从扣谅单订认为验码绝过电话办处时间现", "產優費後續將從扣諒單訂認為驗碼絕過電話辦處時間現"
)
ALTERATIONS: dict[str, Callable[[str], str]] = {
    "homoglyphs": _homoglyphs,
    "characters that look alike": _drawn,
    "zero width everywhere": "\u200b".join,
    "zero width joiner once": lambda text: text[:5] + "\u200d" + text[5:],
    "soft hyphen": lambda text: text[:8] + "\u00ad" + text[8:],
    "turned around": lambda text: text[:4] + "\u202e" + text[4:8] + "\u202c" + text[8:],
    "byte order mark within": lambda text: text[:3] + "\ufeff" + text[3:],
    "filler": lambda text: text[:6] + "\u3164" + text[6:],
    "traditional": lambda text: text.translate(TRADITIONAL) + "請知悉",
    "blanks between": lambda text: " ".join(text) + " !",
    "other amount": lambda text: re.sub(r"\d", lambda m: str((int(m[0]) + 3) % 10), text, count=3) + " ¥800",
    "a link behind": lambda text: text + " 详情 https://holdfast-refund.cn/back",
    "a look-alike host": lambda text: text + " https://ho1dfast.com/messages",
    "our name in front of another site": lambda text: text + " http://127.0.0.1.8000.evil.cn/orders",
    "a user name in the link": lambda text: text + " https://holdfast.example@evil.cn/x",
    "a short link": lambda text: text + " t.cn/A6xyz",
    "a number for a name": lambda text: text + " http://203.0.113.9/x",
    "letters of another script in the host": lambda text: text + " https://hоldfast.com/",
    "a telephone": lambda text: text + " 请致电 400-123-4567 办理",
    "signed by another": lambda text: "【支付宝】" + text,
    "something before it": lambda text: "重要通知：" + text,
    "something to do": lambda text: text.replace("敬请谅解", "请回复银行卡号") + "，请回复卡号和验证码",
    "the meaning turned": lambda text: text.replace("扣回", "由您退回").replace("已确认", "未确认").replace("is", "is not", 1) + "，须由您退回",
    "cut off": lambda text: text[: len(text) * 2 // 3],
    "doubled": lambda text: text + text,
}  # fmt: skip
"""What it is → how a text becomes another one. None leaves a text as it was."""
SAME: dict[str, Callable[[str], str]] = {
    "signed by us": lambda text: "【Holdfast】" + text,
    "signed by us behind": lambda text: text + "【Holdfast】",
    "lines broken": lambda text: text.replace(" ", "\n").replace("，", "，\n"),
    "full-width punctuation": lambda text: text.replace(",", "，").replace(":", "："),
    "half-width punctuation": lambda text: text.replace("，", ",").replace("。", ".").replace("：", ":"),
    "marks of copying": lambda text: "\ufeff \u200e" + text + "\u200b\n",
    "other dashes": lambda text: text.replace("-", "–"),
}
"""What carriers, phones and text recognition do, which leaves a text what it was."""
