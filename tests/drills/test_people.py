"""The people of a drill are decided by its seed; the disturbance strikes every provider, each in its own way."""

from __future__ import annotations

from collections import Counter

from holdfast.drills import disturbance, people
from holdfast.drills.diary import BUSY, Diary
from holdfast.payments import channels
from holdfast.payments.simulator.faults import Script, Step


def test_the_same_seed_gathers_the_same_people():
    assert people.gather(200, 60, 7) == people.gather(200, 60, 7)
    assert people.gather(200, 60, 7) != people.gather(200, 60, 8)


def test_every_way_to_pay_and_every_temper_is_among_them():
    crowd = people.gather(600, 60, 1)
    assert {(one.provider, one.method) for one in crowd} == {
        (provider, method) for provider, methods in channels.METHODS.items() for method in methods
    }
    assert {one.temper for one in crowd} == {temper for temper, _ in people.TEMPERS}
    before = sum(one.begins_before for one in crowd)
    assert 0.5 < before / len(crowd) < 0.7
    assert all(0 <= one.begins_s <= 60 for one in crowd if not one.begins_before)


def test_every_turn_strikes_all_providers_differently_and_every_sickness_reaches_each():
    met = Counter()
    for turn in range(len(disturbance.SICKNESSES)):
        script = Script([Step(**step) for step in disturbance.script(turn)])
        faults = {step.provider: step.fault for step in script.steps if step.provider != "*"}
        assert set(faults) == set(channels.METHODS)
        assert len(set(faults.values())) == len(faults)
        assert all(step.share == 1 and step.count is None for step in script.steps)
        met.update(faults.items())
    assert set(met.values()) == {1}
    assert len(met) == len(channels.METHODS) * len(disturbance.SICKNESSES)


def test_the_published_words_are_counted_wherever_they_stand():
    diary = Diary()
    diary.heard("look", 200, '{"says": "正在查询"}'.encode(), 0.01)
    assert diary.busy == 0
    for words in ("系统繁忙，请稍后重试", "The system is busy", "SYSTEM BUSY"):
        assert BUSY.search(words)
        diary.heard("page", 200, f"<p>{words}</p>".encode(), 0.02)
    assert diary.busy == 3
    assert "系统繁忙" in diary.busy_example


def test_waits_are_told_by_kind_and_second():
    diary = Diary()
    for number in range(100):
        diary.heard("pay", 200, b"", number / 1000)
    assert diary.waits("look").count == 0
    waits = diary.waits("pay", "look")
    assert (waits.count, round(waits.p50), round(waits.p95), round(waits.slowest)) == (100, 50, 95, 99)
    assert diary.slowest_by_second() == [(0.0, 0.099)]
    assert diary.statuses(200, 300) == 100
