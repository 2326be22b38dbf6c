"""Conditions: a closed vocabulary, three values, and nothing for anybody where something is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.campaigns import bounds, conditions, facts
from holdfast.campaigns.conditions import (
    AllOf,
    AnyOf,
    Between,
    Condition,
    CountLt,
    DateBetween,
    Eq,
    Everything,
    Gte,
    In,
    IsFalse,
    IsTrue,
    LocalTimeBetween,
    Lt,
    NotIn,
)
from holdfast.campaigns.nodes import SENTENCES, SUITS, op_of
from tests.campaigns import making

# Single tests


@pytest.mark.parametrize(
    ("condition", "known", "expected"),
    [
        (In("city", ["杭州", "苏州"]), {"city": "苏州"}, "true"),
        (In("city", ["杭州"]), {"city": "北京"}, "false"),
        (In("city", ["杭州"]), {"city": None}, "unknown"),
        (NotIn("city", ["北京"]), {"city": "杭州"}, "true"),
        (NotIn("city", ["北京"]), {"city": "北京"}, "false"),
        (NotIn("city", ["北京"]), {}, "unknown"),
        (Eq("visit_weekday", 6), {"visit_weekday": 6}, "true"),
        (Gte("unit_minor", 20000), {"unit_minor": 20000}, "true"),
        (Gte("unit_minor", 20000), {"unit_minor": 19999}, "false"),
        (Lt("unit_minor", 20000), {"unit_minor": 20000}, "false"),
        (Lt("unit_minor", 20000), {"unit_minor": None}, "unknown"),
        (Between("days_ahead", 1, 3), {"days_ahead": 3}, "true"),
        (Between("days_ahead", 1, 3), {"days_ahead": 4}, "false"),
        (DateBetween("visit_date", date(2027, 2, 1), date(2027, 2, 28)), {"visit_date": date(2027, 2, 28)}, "true"),
        (DateBetween("visit_date", date(2027, 2, 1), date(2027, 2, 28)), {"visit_date": date(2027, 3, 1)}, "false"),
        (LocalTimeBetween("visit_time", time(9), time(12)), {"visit_time": time(12)}, "false"),
        (LocalTimeBetween("visit_time", time(22), time(2)), {"visit_time": time(1, 59)}, "true"),
        (LocalTimeBetween("visit_time", time(22), time(2)), {"visit_time": time(2)}, "false"),
        (Everything(), {}, "true"),
    ],
)
def test_each_test_says_what_it_says_and_what_is_missing_is_unknown(condition, known, expected):
    assert conditions.evaluate(condition, known, "line").value == expected


@pytest.mark.parametrize(
    ("condition", "known", "expected"),
    [
        (IsTrue("first_order"), {"first_order": True}, "true"),
        (IsTrue("first_order"), {"first_order": None}, "unknown"),
        (IsFalse("first_order"), {"first_order": True}, "false"),
        (IsFalse("first_order"), {}, "unknown"),
        (CountLt("redemptions", 2), {"redemptions": 1}, "true"),
        (CountLt("redemptions", 2), {"redemptions": 2}, "false"),
        (CountLt("redemptions", 2), {"redemptions": None}, "unknown"),
    ],
)
def test_what_is_not_known_of_a_person_grants_nothing(condition, known, expected):
    assert conditions.evaluate(condition, known, "basket").value == expected


@pytest.mark.parametrize("group", [AllOf, AnyOf])
def test_an_empty_group_and_no_condition_hold_for_nobody(group):
    assert conditions.evaluate(group([]), {}, "line").value == "unknown"
    assert conditions.evaluate(None, {}, "line").value == "unknown"
    assert conditions.evaluate(AnyOf([Everything(), group([])]), {}, "line").value == "unknown"


def test_groups_follow_three_valued_logic():
    true, false, unknown = Gte("unit_minor", 0), Gte("unit_minor", 10), In("city", ["杭州"])
    known = {"unit_minor": 5}
    table = {
        "true": [AllOf([true, true]), AnyOf([unknown, true]), AnyOf([false, true])],
        "false": [AllOf([unknown, false]), AllOf([true, false]), AnyOf([false, false])],
        "unknown": [AllOf([true, unknown]), AnyOf([false, unknown])],
    }
    for expected, listed in table.items():
        assert [conditions.evaluate(one, known, "line").value for one in listed] == [expected] * len(listed)


# Any tree

TEXTS = st.sampled_from(["杭州", "北京", "museum", "web", "zh", "CNY"])
NUMBERS = st.integers(0, 40)


def _tests(level: str) -> st.SearchStrategy[Condition]:
    made = []
    for name, field in facts.FIELDS[level].items():
        values = st.integers(1, 7) if field.type == "weekday" else TEXTS if field.type == "text" else NUMBERS
        for kind in SUITS[field.type]:
            made.append(_test(kind, name, values))
    return st.one_of(made)


def _test(kind, name: str, values) -> st.SearchStrategy[Condition]:
    days = st.dates(date(2027, 1, 1), date(2027, 3, 1))
    if kind in (In, NotIn):
        return st.lists(values, min_size=1, max_size=3, unique=True).map(lambda listed: kind(name, listed))
    if kind is Between:
        return st.tuples(NUMBERS, NUMBERS).map(lambda pair: Between(name, min(pair), max(pair)))
    if kind is DateBetween:
        return st.tuples(days, days).map(lambda pair: DateBetween(name, min(pair), max(pair)))
    if kind is LocalTimeBetween:
        hours = st.lists(st.integers(0, 23), min_size=2, max_size=2, unique=True)
        return hours.map(lambda pair: LocalTimeBetween(name, time(pair[0]), time(pair[1])))
    if kind in (IsTrue, IsFalse):
        return st.just(kind(name))
    return (values if kind is Eq else st.integers(1, 40)).map(lambda value: kind(name, value))


def trees(level: str) -> st.SearchStrategy[Condition]:
    return st.recursive(
        _tests(level) | st.just(Everything()),
        lambda inner: st.lists(inner, max_size=3).flatmap(lambda parts: st.sampled_from([AllOf(parts), AnyOf(parts)])),
        max_leaves=8,
    )


def _value(field: facts.Field) -> st.SearchStrategy:
    kinds = {
        "text": TEXTS, "weekday": st.integers(1, 7), "date": st.dates(date(2027, 1, 1), date(2027, 3, 1)),
        "time": st.integers(0, 23).map(time), "flag": st.booleans(),
    }  # fmt: skip
    return st.none() | kinds.get(field.type, NUMBERS)


def known(level: str) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({name: _value(field) for name, field in facts.FIELDS[level].items()})


def plain(node: Condition, found: dict) -> bool | None:
    """The meaning of a condition, written down a second time and without any regard to speed."""
    match node:
        case Everything():
            return True
        case AllOf(parts=parts) | AnyOf(parts=parts):
            values = [plain(part, found) for part in parts]
            settles = isinstance(node, AnyOf)
            return settles if settles in values else None if None in values else not settles
    got = found[node.field]
    if got is None:
        return None
    match node:
        case In():
            return got in node.values
        case NotIn():
            return got not in node.values
        case Eq():
            return got == node.value
        case Gte():
            return got >= node.value
        case Lt() | CountLt():
            return got < node.value
        case Between():
            return node.least <= got <= node.most
        case DateBetween():
            return node.first <= got <= node.last
        case LocalTimeBetween():
            inside = min(node.since, node.until) <= got < max(node.since, node.until)
            return inside if node.since < node.until else not inside
        case IsTrue():
            return got
        case IsFalse():
            return not got
    raise AssertionError(node)


@settings(deadline=None)
@given(trees("line"), known("line"))
def test_a_condition_means_what_the_table_of_three_values_says_and_its_trace_agrees(tree, found):
    expected = None if conditions.faults(tree, "line") else plain(tree, found)
    verdict = conditions.evaluate(tree, found, "line")
    assert verdict.value == {True: "true", False: "false", None: "unknown"}[expected]
    assert conditions.prepare(tree, "line").test(found) is expected


@settings(deadline=None)
@given(trees("line"), known("line"))
def test_what_every_test_must_have_said_when_a_condition_holds_it_did_say(tree, found):
    ready = conditions.prepare(tree, "line")
    if ready.test(found) and ready.surely is not None:
        assert ready.found(found) == ready.surely


@settings(deadline=None)
@given(trees("line"), st.lists(known("line"), max_size=4))
def test_sifting_many_facts_chooses_those_of_which_the_condition_is_true(tree, many):
    expected = [at for at, found in enumerate(many) if conditions.evaluate(tree, found, "line").grants]
    assert conditions.prepare(tree, "line").chosen(many) == expected


@settings(deadline=None)
@given(trees("line"), known("line"))
def test_what_is_unknown_or_false_never_grants_and_names_what_stood_in_the_way(tree, found):
    verdict = conditions.evaluate(tree, found, "line")
    if verdict.grants:
        assert conditions.missed(verdict.trace) == []
    else:
        missed = conditions.missed(verdict.trace)
        assert missed
        assert all(one["verdict"] != "true" for one in missed)


@settings(deadline=None)
@given(trees("line"), known("line"))
def test_knowing_less_never_grants_more(tree, found):
    if conditions.evaluate(tree, dict.fromkeys(found), "line").grants:
        assert conditions.evaluate(tree, found, "line").grants


@settings(deadline=None)
@given(trees("line"), trees("line"), known("line"))
def test_adding_a_condition_never_enlarges(tree, more, found):
    both = AllOf([*(tree.parts if isinstance(tree, AllOf) and tree.parts else [tree]), more])
    if conditions.evaluate(both, found, "line").grants:
        assert conditions.evaluate(tree, found, "line").grants
        assert conditions.evaluate(more, found, "line").grants


@settings(deadline=None)
@given(trees("basket"), known("basket"))
def test_bounds_hold_wherever_the_condition_does(tree, found):
    if not conditions.evaluate(tree, found, "basket").grants:
        return
    for name, field in facts.BASKET_FIELDS.items():
        if field.type in ("minor", "number", "count"):
            least, most = bounds.least(tree, name), bounds.most(tree, name)
            assert least is None or found[name] >= least
            assert most is None or found[name] <= most
        if field.type in ("text", "weekday"):
            values = bounds.values(tree, name)
            assert values is None or found[name] in values
        if field.type == "flag":
            flag = bounds.flag(tree, name)
            assert flag is None or found[name] is flag
        if field.type == "date":
            days = bounds.days(tree, name)
            assert days is None or days[0] <= found[name] <= days[1]


@settings(deadline=None)
@given(trees("line"), trees("line"), known("line"))
def test_conditions_that_can_never_meet_never_do(one, other, found):
    if conditions.evaluate(one, found, "line").grants and conditions.evaluate(other, found, "line").grants:
        assert bounds.may_meet(one, other)


@settings(deadline=None)
@given(trees("line"), known("line"))
def test_no_line_is_passed_over_by_what_a_condition_needs(tree, found):
    if conditions.evaluate(tree, found, "line").grants:
        assert all(found[name] in values for name, values in conditions.needs(tree))


@settings(deadline=None)
@given(trees("line"))
def test_json_and_back_is_the_same_condition_and_every_tree_has_words(tree):
    assert msgspec.json.decode(msgspec.json.encode(tree), type=Condition) == tree
    assert conditions.words(tree, "zh")
    assert conditions.words(tree, "en")


# What is wrong with it


def codes(condition, level="line") -> list[tuple[str, str]]:
    return [(found.field, found.code) for found in conditions.check(condition, level, "scope")]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (AllOf([]), ("scope.parts", "PARTS_EMPTY")),
        (Gte("cty", 1), ("scope.field", "FIELD_UNKNOWN")),
        (IsTrue("first_order"), ("scope.field", "FIELD_UNKNOWN")),
        (Gte("city", 1), ("scope.op", "OPERATOR_UNSUITED")),
        (Eq("unit_minor", "20000"), ("scope.value", "VALUE_TYPE")),
        (In("city", ["杭州", 5]), ("scope.values[1]", "VALUE_TYPE")),
        (Eq("visit_weekday", 8), ("scope.value", "VALUE_TYPE")),
        (Gte("unit_minor", -1), ("scope.value", "VALUE_TYPE")),
        (In("city", []), ("scope.values", "VALUES_COUNT")),
        (In("city", [f"c{n}" for n in range(501)]), ("scope.values", "VALUES_COUNT")),
        (In("city", ["杭州", "杭州"]), ("scope.values[1]", "VALUES_TWICE")),
        (Between("unit_minor", 5, 4), ("scope.most", "RANGE_EMPTY")),
        (DateBetween("visit_date", date(2027, 3, 1), date(2027, 2, 1)), ("scope.last", "RANGE_EMPTY")),
        (LocalTimeBetween("visit_time", time(9), time(9)), ("scope.until", "RANGE_EMPTY")),
        (Lt("unit_minor", 0), ("scope.value", "RANGE_EMPTY")),
        (
            AllOf([AllOf([AllOf([AllOf([Everything()])])])]),
            ("scope.parts[0].parts[0].parts[0].parts[0]", "CONDITION_DEPTH"),
        ),
        (AllOf([Everything()] * 50), ("scope", "CONDITION_SIZE")),
    ],
)
def test_every_fault_has_its_place_and_faulty_conditions_hold_for_nobody(condition, expected):
    assert codes(condition) == [expected]
    everything_known = dict.fromkeys(facts.LINE_FIELDS) | {
        "city": "杭州",
        "unit_minor": 5,
        "visit_weekday": 1,
    }
    assert conditions.evaluate(condition, everything_known, "line").value == "unknown"


def test_all_faults_are_told_at_once_in_both_languages_with_the_next_step():
    found = conditions.check(AllOf([Gte("city", 1), In("kind", []), Eq("visit_weekday", 9)]), "line", "scope")
    assert [one.field for one in found] == ["scope.parts[0].op", "scope.parts[1].values", "scope.parts[2].value"]
    assert found[0].message == {"zh": "“gte”不适用于城市。", "en": "“gte” cannot be asked of city."}
    assert found[0].next_step == {"zh": "请从以下选择：in, not_in, eq。", "en": "Choose one of: in, not_in, eq."}
    assert found[2].next_step["zh"] == "请填写1（星期一）至 7（星期日）的数字。"


def test_a_very_large_and_a_very_deep_tree_are_refused_and_not_walked_to_the_end():
    wide = AnyOf([Everything()] * 100_000)
    assert codes(wide) == [("scope", "CONDITION_SIZE")]
    deep: Condition = Everything()
    for _ in range(500):
        deep = AllOf([deep])
    assert {code for _field, code in codes(deep)} == {"CONDITION_DEPTH"}
    assert conditions.evaluate(deep, {}, "line").value == "unknown"
    assert "…" in conditions.words(deep, "en")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"op": "matches", "field": "city", "value": ".*"}',
        b'{"op": "not", "part": {"op": "everything"}}',
        b'{"op": "gte", "field": "unit_minor", "value": 1.5}',
        b'{"op": "gte", "field": "unit_minor", "value": "1"}',
        b'{"op": "in", "field": "city", "values": ["a"], "or_else": true}',
        b"{}",
    ],
)
def test_what_is_not_in_the_vocabulary_cannot_be_read(raw):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Condition)


def test_every_operator_and_every_fault_has_its_words_in_chinese():
    from holdfast.kit.i18n import catalogue

    wanted = [text for pair in SENTENCES.values() for text in pair]
    wanted += [field.words for level in facts.FIELDS.values() for field in level.values()]
    assert [text for text in wanted if text not in catalogue()] == []
    assert len({op_of(kind) for kinds in SUITS.values() for kind in kinds}) == 11


# Words, traces, facts


def test_a_condition_is_a_sentence_in_both_languages():
    condition = AllOf([
        In("city", ["杭州", "苏州"]), AnyOf([Gte("unit_minor", 20000), Eq("visit_weekday", 6)]),
        DateBetween("visit_date", date(2027, 2, 1), date(2027, 2, 28)),
    ])  # fmt: skip
    assert conditions.words(condition, "en") == (
        "city is one of 杭州, 苏州; and (price of one ticket is at least ¥200.00; or weekday of the visit is Saturday); "
        "and day of the visit is from February 1, 2027 to February 28, 2027"
    )
    assert conditions.words(condition, "zh") == (
        "城市为以下之一：杭州、苏州，且（单张票价不低于 ¥200.00，或游览日星期为星期六），且游览日期在 2027年2月1日 至 2027年2月28日 之间"
    )
    named = {"hz-museum": {"zh": "浙江省博物馆", "en": "Zhejiang Museum"}}
    assert conditions.words(Eq("venue_id", "hz-museum"), "zh", named) == "场所为浙江省博物馆"
    assert conditions.words(Everything(), "en") == "everything, without any restriction"
    assert conditions.words(In("city", [f"c{n}" for n in range(20)]), "en").endswith("c11 and 8 more")


def test_a_trace_tells_of_every_node_what_was_found_but_not_what_is_personal():
    condition = AllOf([Gte("scope_minor", 1000), IsTrue("first_order"), CountLt("redemptions", 1)])
    trace = conditions.evaluate(condition, {"scope_minor": 900, "first_order": True}, "basket").trace
    assert (trace["op"], trace["verdict"]) == ("all_of", "false")
    assert [(part["field"], part["verdict"], part.get("got")) for part in trace["parts"]] == [
        ("scope_minor", "false", 900),
        ("first_order", "true", None),
        ("redemptions", "unknown", None),
    ]
    assert "got" not in trace["parts"][1]
    assert trace["parts"][1]["says"] == {"zh": "是本人首单", "en": "it is the person's first order"}
    assert [one["field"] for one in conditions.missed(trace)] == ["scope_minor", "redemptions"]
    msgspec.json.encode(trace)


def test_facts_are_those_of_the_venues_own_clock():
    line = making.line(
        visit_date=date(2027, 2, 7), starts_at=datetime(2027, 2, 7, 0, 30, tzinfo=UTC), time_zone="Asia/Tokyo"
    )
    late = datetime(2027, 2, 5, 15, 30, tzinfo=UTC)  # already the 6th in Tokyo, still the 5th in Shanghai
    found = facts.of_line(line, late)
    assert (found["days_ahead"], found["visit_weekday"], found["visit_time"]) == (1, 7, time(9, 30))
    general = facts.of_basket(making.basket(line, now=late))
    assert (general["today"], general["weekday"], general["local_time"]) == (date(2027, 2, 5), 5, time(23, 30))


def test_every_field_of_the_registry_is_made_and_no_other():
    basket = making.basket()
    assert facts.of_line(basket.lines[0], basket.now).keys() == facts.LINE_FIELDS.keys()
    seen = facts.for_campaign(facts.of_scope(facts.of_basket(basket), basket.lines), basket, "spring")
    assert seen.keys() == facts.BASKET_FIELDS.keys()
    nothing = facts.Basket([facts.Line(1)], basket.now)
    line, whole = (
        facts.of_line(nothing.lines[0], basket.now),
        facts.for_campaign(facts.of_scope(facts.of_basket(nothing), nothing.lines), nothing, "a"),
    )
    for name, value in (line | whole).items():
        field = facts.LINE_FIELDS.get(name) or facts.BASKET_FIELDS[name]
        assert (value is None) is field.nullable, name
