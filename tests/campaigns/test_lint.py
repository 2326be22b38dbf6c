"""Lint: every rule refuses what once did harm, or asks for more people; and a sound campaign passes."""

from __future__ import annotations

from datetime import time, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from holdfast import changes
from holdfast.campaigns import lint
from holdfast.campaigns.conditions import AllOf, AnyOf, Eq, Everything, Gte, In, IsTrue, Lt
from holdfast.campaigns.facts import Basket, Code
from holdfast.campaigns.lint import Around, LintRefused
from holdfast.campaigns.lint_words import RULES
from holdfast.campaigns.model import (
    AmountOff,
    BulkCodes,
    Case,
    FixedPrice,
    Gift,
    Hours,
    Limits,
    PercentOff,
    SingleCode,
    Stacking,
)
from holdfast.catalogue.model import KINDS
from holdfast.kit.i18n import catalogue
from tests.campaigns.making import CONTENT, ENVELOPE, EVERYTHING, NOW, basket, envelope, line, version

CODE = Code("SPRING7K3Q", "spring")
CASES = [
    Case("two tickets of 60", basket(code=CODE), 600),
    Case("dear ones, capped", basket(line(1, unit_minor=50000), code=CODE), 3000),
    Case("just dear enough", basket(line(1, quantity=1, unit_minor=2000), code=CODE), 100),
    Case("just too cheap", basket(line(1, quantity=1, unit_minor=1999), code=CODE), 0),
    Case("another city", basket(line(1, city="北京"), code=CODE), 0),
    Case("used up", basket(redemptions={"spring": 2}, code=CODE), 0),
]
SOUND = {"cases": CASES, "codes": BulkCodes()}
NARROW = AllOf([In("kind", ["museum"]), Gte("unit_minor", 10000)])


def found(around: Around | None = None, **changed) -> dict[str, lint.Finding]:
    """Code → finding, of the sound campaign with something changed."""
    return {one.code: one for one in lint.lint(version(**(SOUND | changed)), around or Around()).findings}


def test_a_sound_campaign_with_codes_passes_and_needs_one_other_person():
    report = lint.lint(version(**SOUND), Around())
    assert report.refusals == []
    assert [(one.code, one.severity) for one in report.findings] == [("WORST_CASE", "tells")]
    assert (report.grade, report.demand, report.in_working_hours) == ("G1", changes.Demand(1), False)
    assert lint.require(report) is report
    assert report.findings[0].message == {
        "zh": "最坏情况：单笔 ¥30.00，每人 ¥60.00，每分钟 ¥2000.00，每天 ¥2000.00，总计 ¥10000.00。",
        "en": "At worst it takes off ¥30.00 from an order, ¥60.00 for a person, ¥2000.00 in a minute, ¥2000.00 in a day, ¥10000.00 in all.",
    }


# One rule each: what is changed, the rule, where

MONEY = envelope(max_minor=100_000_00)
REFUSED = [
    ({"names": {"zh": "春节"}}, "TEXT_MISSING", "names"),
    ({"sentence": {"zh": "政府补贴立减", "en": "Off"}}, "TEXT_OF_GOVERNMENT", "sentence"),
    ({"sentence": {"zh": "立减", "en": "A Government gift"}}, "TEXT_OF_GOVERNMENT", "sentence"),
    ({"scope": None}, "SCOPE_EMPTY", "scope"),
    ({"when": None}, "WHEN_EMPTY", "when"),
    ({"scope": AllOf([])}, "PARTS_EMPTY", "scope.parts"),
    ({"when": AnyOf([Gte("scope_minor", 1), Eq("kind", "museum")])}, "FIELD_UNKNOWN", "when.parts[1].field"),
    ({"scope": In("kind", ["museum", "hotel"])}, "KIND_OUTSIDE", "scope"),
    ({"scope": In("city", ["杭州"])}, "KIND_OPEN", "scope"),
    ({"channels": []}, "CHANNEL_MISSING", "channels"),
    ({"channels": ["web", "desk"]}, "CHANNEL_OUTSIDE", "channels[1]"),
    ({"effect": PercentOff(500, 3000, currency="USD")}, "CURRENCY_OUTSIDE", "effect.currency"),
    ({"effect": PercentOff(500)}, "CAP_MISSING", "effect.cap_minor"),
    ({"effect": PercentOff(500, 3000, uncapped=True)}, "CAP_AND_UNCAPPED", "effect.uncapped"),
    ({"effect": PercentOff(500, 3001)}, "CAP_ABOVE_ENVELOPE", "effect.cap_minor"),
    ({"effect": PercentOff(2001, 3000)}, "SHARE_ABOVE_ENVELOPE", "effect.share_bp"),
    ({"effect": AmountOff(3001, "order")}, "CAP_ABOVE_ENVELOPE", "effect.amount_minor"),
    ({"effect": AmountOff(1000, "order")}, "SHARE_OPEN", "when"),
    ({"effect": AmountOff(1000, "ticket", cap_minor=3000)}, "SHARE_OPEN_TICKET", "scope"),
    ({"effect": AmountOff(1000, "ticket")}, "CAP_ABOVE_ENVELOPE", "effect.cap_minor"),
    ({"effect": FixedPrice(5000)}, "CAP_MISSING", "effect.cap_minor"),
    ({"effect": FixedPrice(5000, cap_minor=3000)}, "SHARE_OPEN_PRICE", "scope"),
    ({"effect": Gift("free_lunch")}, "BENEFIT_UNKNOWN", "effect.benefit"),
    ({"effect": Gift("free_change"), "cases": []}, "COUNT_MISSING", "limits.budget_count"),
    ({"limits": Limits(50_000_01, per_person=2)}, "BUDGET_ABOVE_ENVELOPE", "limits.budget_minor"),
    ({"limits": Limits(2999, per_person=2)}, "BUDGET_TOO_SMALL", "limits.budget_minor"),
    ({"limits": Limits(10_000_00)}, "PERSON_MISSING", "limits.per_person"),
    ({"codes": SingleCode("spring 27")}, "CODE_SHAPE", "codes.code"),
    ({"schedule": replace(CONTENT.schedule, until_at=CONTENT.schedule.from_at)}, "SCHEDULE_EMPTY", "schedule.until_at"),
    ({"schedule": replace(CONTENT.schedule, until_at=NOW + timedelta(days=400))}, "SCHEDULE_LONG", "schedule.until_at"),
    ({"schedule": replace(CONTENT.schedule, weekdays=[])}, "WEEKDAYS_EMPTY", "schedule.weekdays"),
    ({"schedule": replace(CONTENT.schedule, hours=Hours(time(9), time(9)))}, "HOURS_EMPTY", "schedule.hours.until"),
    ({"schedule": replace(CONTENT.schedule, time_zone="Asia/Nowhere")}, "ZONE_UNKNOWN", "schedule.time_zone"),
    (
        {"schedule": replace(CONTENT.schedule, until_at=ENVELOPE.valid_until + timedelta(seconds=1))},
        "SCHEDULE_BEYOND_ENVELOPE", "schedule.until_at",
    ),
    ({"cases": CASES[:2] + CASES[3:]}, "CASES_FEW", "cases"),
    ({"cases": CASES[:5]}, "CASES_FEW", "cases"),
    ({"cases": [*CASES, CASES[0]]}, "CASE_TWICE", "cases[0].name"),
    ({"cases": [*CASES, Case("none", Basket([], NOW), 0)]}, "CASE_LINES", "cases[6].basket.lines"),
    ({"cases": [*CASES, Case("twice", basket(line(1), line(1)), 0)]}, "CASE_LINES", "cases[6].basket.lines"),
    ({"cases": [*CASES, Case("zone", basket(line(1, time_zone="Mars")), 0)]}, "CASE_LINES", "cases[6].basket.lines"),
    ({"cases": [*CASES, Case("a fen more", basket(code=CODE), 601)]}, "CASE_DIFFERS", "cases[6]"),
    ({"effect": PercentOff(2500, 6000), "cases": [Case("wrong", basket(code=CODE), 3000)]}, "CASE_OUTSIDE", "cases[0]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code", "field"), REFUSED, ids=[f"{code} {field}" for _changed, code, field in REFUSED]
)
def test_each_rule_refuses_at_its_field_in_both_languages(changed, code, field):
    report = lint.lint(version(**(SOUND | changed)), Around())
    finding = next(one for one in report.refusals if one.code == code)
    assert finding.field == field
    for text in (finding.message, finding.next_step):
        assert text["zh"] != text["en"]
        assert all("{" not in said for said in text.values())
    with pytest.raises(LintRefused) as refused:
        lint.require(report)
    assert code in [one["code"] for one in refused.value.errors]


RAISED = [
    ({"codes": CONTENT.codes}, "AUTOMATIC", "G2"),
    ({"scope": EVERYTHING}, "SCOPE_EVERYTHING", "G3"),
    ({"scope": AnyOf([In("kind", ["museum"]), Everything()])}, "SCOPE_EVERYTHING", "G3"),
    ({"scope": Gte("unit_minor", 100)}, "SCOPE_EVERYTHING", "G3"),
    ({"scope": In("kind", list(KINDS))}, "SCOPE_EVERYTHING", "G3"),
    ({"scope": In("kind", ["museum", "card"])}, "KIND_LIKE_CASH", "G3"),
    ({"effect": PercentOff(500, None, uncapped=True)}, "UNCAPPED", "G3"),
    ({"limits": Limits(10_000_01, per_day_minor=2_000_00, per_person=2)}, "LARGE", "G2"),
]


@pytest.mark.parametrize(
    ("changed", "code", "grade"), RAISED, ids=[f"{code} {grade}" for _changed, code, grade in RAISED]
)
def test_what_is_no_mistake_but_dangerous_asks_for_more_people(changed, code, grade):
    report = lint.lint(version(**(SOUND | changed)), Around())
    assert [one.severity for one in report.findings if one.code == code] == ["raises"]
    assert report.grade == grade


def test_the_grade_says_who_must_agree():
    public = envelope(payer="government", agreement="2027-04", label={"zh": "政府补贴", "en": "Government subsidy"})
    report = lint.lint(version(envelope=public, **SOUND), Around())
    assert (report.grade, report.demand, report.in_working_hours) == ("G3", changes.Demand(3, ("finance",)), True)
    [finding] = [one for one in report.findings if one.code == "PUBLIC_MONEY"]
    assert finding.message["zh"] == "名称为“政府补贴”：由财政资金出资。"
    assert "2027-04" in finding.next_step["en"]
    large = envelope(budget_minor=1_000_000_00)
    most = {"envelope": large, **SOUND}
    assert lint.lint(version(**most, limits=Limits(200_000_00, per_person=1)), Around()).grade == "G2"
    assert lint.lint(version(**most, limits=Limits(200_000_01, per_person=1)), Around()).grade == "G3"
    assert lint.lint(version(**SOUND | {"codes": CONTENT.codes}), Around()).demand == changes.Demand(2, ("finance",))


def test_public_money_without_an_agreement_is_refused():
    public = envelope(payer="government", label={"zh": "政府补贴", "en": "Government subsidy"})
    assert "AGREEMENT_MISSING" in {one.code for one in lint.lint(version(envelope=public, **SOUND), Around()).refusals}


def test_an_automatic_campaign_needs_a_limit_for_a_day():
    assert found(codes=CONTENT.codes, limits=Limits(10_000_00, per_person=2))["DAY_MISSING"].severity == "refuses"
    assert "DAY_MISSING" not in found(limits=Limits(10_000_00, per_person=2))


# What follows from the condition


def test_a_product_says_its_kind_when_the_catalogue_is_known():
    scope = In("product_id", ["hz-museum-day", "hz-card"])
    assert found(scope=scope)["KIND_OPEN"].severity == "refuses"
    known = Around(kinds={"hz-museum-day": "museum", "hz-card": "heritage"})
    assert {"KIND_OPEN", "KIND_OUTSIDE"} & found(known, scope=scope).keys() == set()
    card = Around(kinds={"hz-museum-day": "museum", "hz-card": "card"})
    assert {"KIND_OUTSIDE", "KIND_LIKE_CASH"} <= found(card, scope=scope).keys()


@pytest.mark.parametrize(
    ("effect", "scope", "when", "open_code"),
    [
        # 10 yuan of at least 50 are 20 %, as the envelope allows; of 49.99 they are more
        (AmountOff(1000, "order"), None, Gte("scope_minor", 5000), None),
        (AmountOff(1000, "order"), None, Gte("scope_minor", 4999), "SHARE_OPEN"),
        (AmountOff(1000, "order"), None, Gte("amount_minor", 5000), "SHARE_OPEN"),
        (AmountOff(1000, "order"), AllOf([In("kind", ["museum"]), Gte("unit_minor", 5000)]), EVERYTHING, None),
        (AmountOff(1000, "order"), AllOf([In("kind", ["museum"]), Gte("unit_minor", 2500)]), Gte("scope_tickets", 2), None),
        (AmountOff(500, "ticket", cap_minor=3000), AllOf([In("kind", ["museum"]), Gte("unit_minor", 2500)]), EVERYTHING, None),
        (AmountOff(500, "ticket", cap_minor=3000), AllOf([In("kind", ["museum"]), Gte("unit_minor", 2499)]), EVERYTHING, "SHARE_OPEN_TICKET"),
        # 40 instead of at most 50 yuan are 20 %
        (FixedPrice(4000, cap_minor=3000), AllOf([In("kind", ["museum"]), Lt("unit_minor", 5001)]), EVERYTHING, None),
        (FixedPrice(4000, cap_minor=3000), AllOf([In("kind", ["museum"]), Lt("unit_minor", 5002)]), EVERYTHING, "SHARE_OPEN_PRICE"),
        (FixedPrice(4000, cap_minor=1000), None, Gte("scope_minor", 5000), None),
    ],
)  # fmt: skip
def test_a_share_is_open_unless_the_condition_closes_it(effect, scope, when, open_code):
    codes = found(effect=effect, scope=scope or In("kind", ["museum"]), when=when, cases=[]).keys()
    assert {code for code in codes if code.startswith("SHARE")} == ({open_code} if open_code else set())


def test_whatever_lint_lets_pass_stays_inside_the_envelope_at_the_edges_of_its_condition():
    from holdfast.campaigns import pricing

    tickets = version(effect=AmountOff(500, "ticket", cap_minor=3000), scope=AllOf([In("kind", ["museum"]), Gte("unit_minor", 2500)]),
                      when=EVERYTHING)  # fmt: skip
    for unit, quantity in ((2500, 1), (2500, 6), (2500, 50), (90000, 50)):
        of = basket(line(1, unit_minor=unit, quantity=quantity))
        [grant] = pricing.price(of, [tickets]).grants
        assert pricing.fits(tickets, of.lines, grant.amount_minor, "web")


def test_the_worst_case_of_tickets_is_their_number_where_that_is_bounded():
    effect = AmountOff(1000, "ticket")
    scope = AllOf([In("kind", ["museum"]), Gte("unit_minor", 5000)])
    assert (
        found(effect=effect, scope=scope, when=Lt("scope_tickets", 4), cases=[]).keys()
        & {"CAP_MISSING", "CAP_ABOVE_ENVELOPE"}
        == set()
    )
    assert "CAP_ABOVE_ENVELOPE" in found(effect=effect, scope=scope, when=Lt("scope_tickets", 5), cases=[])


def test_an_uncapped_percentage_may_be_bounded_by_the_condition():
    bounded = found(effect=PercentOff(500, None, uncapped=True), when=Lt("scope_minor", 60_000))
    assert {"CAP_MISSING", "CAP_ABOVE_ENVELOPE"} & bounded.keys() == set()
    assert "¥600.00" in bounded["UNCAPPED"].message["en"]
    assert "CAP_ABOVE_ENVELOPE" in found(effect=PercentOff(500, None, uncapped=True), when=Lt("scope_minor", 60_021))


def test_a_minute_may_not_cost_more_than_ten_thousand_yuan():
    large = envelope(budget_minor=1_000_000_00)
    limits = Limits(100_000_00, per_day_minor=50_000_00, per_person=1)
    over = lint.lint(version(envelope=large, limits=limits, **SOUND), Around(per_minute_minor=10_000_01))
    assert "WORST_PER_MINUTE" in {one.code for one in over.refusals}
    assert over.worst.minute_minor == 10_000_01
    fine = lint.lint(version(envelope=large, limits=limits, **SOUND), Around(per_minute_minor=10_000_00))
    assert "WORST_PER_MINUTE" not in {one.code for one in fine.findings}


# With others


def other(**changed):
    return version("summer", names={"zh": "夏日", "en": "Summer"}, **SOUND | changed)


def test_what_runs_for_the_same_tickets_is_named_with_what_happens_then():
    groups = {"stacking": Stacking("summer", "groups")}
    both = Around(running=[other(**groups)])
    finding = found(both)["OVERLAP_COMBINES"]
    assert (finding.severity, finding.message["en"]) == (
        "raises",
        "“Summer” may take from the same tickets; together up to ¥60.00 from one order.",
    )
    assert lint.lint(version(**SOUND), both).grade == "G2"
    assert "OVERLAP_EXCLUDES" in found(Around(running=[other()])), "the same group"
    assert "OVERLAP_EXCLUDES" in found(Around(running=[other(stacking=Stacking("summer", "alone"))]))
    floor = found(Around(running=[other(effect=PercentOff(1600, 3000), priority=900, **groups)]))["OVERLAP_FLOOR"]
    assert "only “Summer” is granted" in floor.message["en"]


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": In("kind", ["heritage"])},
        {"scope": AllOf([In("kind", ["museum"]), In("city", ["北京"])])},
        {"channels": ["api"]},
        {
            "schedule": replace(
                CONTENT.schedule,
                from_at=CONTENT.schedule.until_at,
                until_at=CONTENT.schedule.until_at + timedelta(days=1),
            )
        },
    ],
)
def test_what_can_never_meet_does_not_overlap(changed):
    around = Around(running=[other(stacking=Stacking("summer", "groups"), **changed)])
    assert not [code for code in found(around) if code.startswith("OVERLAP")]


def test_what_is_not_known_to_exclude_each_other_is_told():
    first, later = (
        {"when": IsTrue("first_order")},
        {"when": AllOf([Gte("scope_minor", 2000), Gte("earlier_orders", 1)])},
    )
    around = Around(running=[other(stacking=Stacking("summer", "groups"), **later)])
    assert "OVERLAP_COMBINES" in found(around, **first)


def test_the_envelopes_budget_is_shared_by_what_runs_in_it():
    running = other(limits=Limits(40_000_01, per_person=1), envelope=ENVELOPE, stacking=Stacking("summer", "alone"))
    finding = found(Around(running=[running]))["BUDGET_ABOVE_ENVELOPE"]
    assert "¥50000.01" in finding.message["en"]
    own = replace(running, campaign_id="spring")
    assert "BUDGET_ABOVE_ENVELOPE" not in found(Around(running=[own])), (
        "its own version before ends when this one starts"
    )


# The published accident


def test_the_published_accident_is_refused_by_several_rules_at_once():
    wrong = version(
        effect=PercentOff(2000, None, uncapped=True), scope=EVERYTHING, when=EVERYTHING, envelope=envelope(max_minor=3000, max_bp=500),
        sentence={"zh": "政府补贴，立减 20%", "en": "Government subsidy, 20% off"}, limits=Limits(10_000_00),
    )  # fmt: skip
    report = lint.lint(wrong, Around())
    assert {one.code for one in report.refusals} >= {
        "SHARE_ABOVE_ENVELOPE", "TEXT_OF_GOVERNMENT", "KIND_OPEN", "PERSON_MISSING", "DAY_MISSING", "CASES_FEW",
    }  # fmt: skip
    assert report.grade == "G3"
    assert {"SCOPE_EVERYTHING", "UNCAPPED", "AUTOMATIC"} <= {
        one.code for one in report.findings if one.severity == "raises"
    }


def test_a_case_tells_what_it_gets_instead():
    wrong = Case("a fen more", basket(code=CODE), 601)
    assert (
        found(cases=[*CASES, wrong])["CASE_DIFFERS"].message["en"] == "“a fen more” should get ¥6.01, but gets ¥6.00."
    )
    gift = {"effect": Gift("free_change", 2), "limits": Limits(1_000_00, budget_count=100, per_person=1)}
    cases = [Case("a gift", basket(code=CODE), 0, 1)]
    assert (
        found(cases=cases, **gift)["CASE_DIFFERS"].message["zh"]
        == "“a gift”应得 ¥0.00 和 1 份赠品，实得 ¥0.00 和 2 份赠品。"
    )


def test_what_somebody_typed_is_never_translated():
    assert catalogue()["Museum"], "a word that has a translation"
    wrong = Case("Museum", basket(code=CODE), 1)
    assert found(cases=[*CASES, wrong])["CASE_DIFFERS"].message["zh"].startswith("“Museum”应得")


def test_a_report_is_the_same_at_any_time_and_every_rule_speaks_chinese():
    one, around = version(**SOUND), Around(running=[other(stacking=Stacking("summer", "groups"))])
    assert msgspec.json.encode(lint.lint(one, around)) == msgspec.json.encode(lint.lint(one, around))
    assert [text for pair in RULES.values() for text in pair if text not in catalogue()] == []


def test_no_rule_is_without_a_test():
    tested = {code for _changed, code, _field in REFUSED} | {code for _changed, code, _grade in RAISED}
    tested |= {"AGREEMENT_MISSING", "PUBLIC_MONEY", "DAY_MISSING", "WORST_CASE", "WORST_PER_MINUTE"}
    tested |= {code for code in RULES if code.startswith("OVERLAP")}
    assert RULES.keys() - tested == set()
