"""Documents, names and phones: every published rule and every slip we know people make."""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.accounts import documents
from holdfast.accounts.documents import DocumentType, check_document, check_name, check_phone, check_traveller
from holdfast.kit import i18n

TODAY = date(2026, 7, 1)
CITIZEN = "33011320220601001X"


def codes(kind: str, raw: str) -> list[str]:
    document, findings = check_document(kind, raw, TODAY)
    assert (document is None) == any(finding.severity == "error" for finding in findings)
    return [finding.code for finding in findings]


def number_of(kind: str, raw: str) -> str:
    document, findings = check_document(kind, raw, TODAY)
    assert document is not None, findings
    return document.number


def suggestions(kind: str, raw: str) -> list[str | None]:
    return [finding.suggestion for finding in check_document(kind, raw, TODAY)[1] if finding.code == "ID_OTHER_TYPE"]


def with_check(seventeen: str) -> str:
    return seventeen + documents.check_character(seventeen)


def made_citizens(how_many: int, seed: int = 11643) -> list[str]:
    chance = random.Random(seed)
    provinces = ["110105", "310115", "330113", "440305", "659012", "500101", "220182"]
    born = [date(1930, 1, 1) + timedelta(days=chance.randrange(34_000)) for _ in range(how_many)]
    return [with_check(f"{chance.choice(provinces)}{day:%Y%m%d}{chance.randrange(1000):03}") for day in born]


# Resident identity card


def test_a_real_number_from_a_district_younger_than_the_tables_is_accepted():
    document, findings = check_document("cn_resident_id", CITIZEN, TODAY)
    assert findings == []
    assert document is not None
    assert document.type is DocumentType.cn_resident_id
    assert document.number == document.person_key == CITIZEN
    assert document.birth_date == date(2022, 6, 1)
    assert document.last4 == "001X"
    assert document.masked == "330***********001X"


@pytest.mark.parametrize("raw", ["11010519491231002X", "440524188001010014"])
def test_the_specimens_printed_in_the_standard_have_fitting_check_characters(raw):
    assert documents.check_character(raw[:17]) == raw[17]


def test_every_wrong_character_and_every_swap_of_neighbours_is_refused():
    for number in made_citizens(50):
        assert codes("cn_resident_id", number) == []
        for place in range(18):
            for other in "0123456789X".replace(number[place], ""):
                assert codes("cn_resident_id", number[:place] + other + number[place + 1 :]), (number, place, other)
        for place, (left, right) in enumerate(pairwise(number)):
            if left != right:
                assert codes("cn_resident_id", number[:place] + right + left + number[place + 2 :]), (number, place)


def test_one_wrong_digit_at_the_end_is_said_to_be_a_slip():
    assert codes("cn_resident_id", "330113202206010019") == ["ID_CHECKSUM"]


@pytest.mark.parametrize(
    "raw",
    [
        "33011320220601001x",
        "３３０１１３２０２２０６０１００１Ｘ",
        " 330113 20220601 001X\t\n",
        "330113-20220601-001X",
        "330113—20220601−001X",
        "\u200b330113\u200d20220601\ufeff001X",
        "\u202e\u2066" + CITIZEN + "\u2069",
        "33011320220601001Х",  # Cyrillic capital
        "33011320220601001х",  # Cyrillic small
        "33011320220601001×",
        "٣٣٠١١٣٢٠٢٢٠٦٠١٠٠١X",
        "330113\x0020220601001X",
    ],
)
def test_what_keyboards_and_copying_do_to_a_number_is_forgiven(raw):
    assert number_of("cn_resident_id", raw) == CITIZEN


@pytest.mark.parametrize("raw", ["", " ", "\u200b", "---", "\x00"])
def test_an_empty_number_is_asked_for(raw):
    assert codes("cn_resident_id", raw) == ["ID_EMPTY"]


def test_a_missing_digit_is_counted():
    document, findings = check_document("cn_resident_id", CITIZEN[1:], TODAY)
    assert document is None
    assert "you typed 17." in findings[0].message["en"]
    assert "您输入了17位" in findings[0].message["zh"]
    assert codes("cn_resident_id", "1101051949123100211") == ["ID_LENGTH"]


def test_the_old_number_of_fifteen_digits_is_named_as_such():
    assert codes("cn_resident_id", "110105491231002") == ["ID_OLD_15"]


def test_letters_that_look_like_digits_are_named_with_place_and_remedy():
    _, findings = check_document("cn_resident_id", "33O1l320220601001X", TODAY)
    assert [(finding.code, finding.suggestion) for finding in findings] == [("ID_CHAR", "0"), ("ID_CHAR", "1")]
    assert 'Character 3 ("O")' in findings[0].message["en"]
    assert "第5位“l”" in findings[1].message["zh"]


def test_an_x_before_the_end_is_refused():
    assert codes("cn_resident_id", "3301132022X601001X") == ["ID_X_ONLY_LAST"]


@pytest.mark.parametrize("born", ["20230229", "20221301", "20220600", "00000101", "18000101", "18951231"])
def test_a_birth_date_that_no_living_person_has_is_refused(born):
    assert codes("cn_resident_id", with_check(f"110105{born}002")) == ["ID_DATE_IMPOSSIBLE"]


def test_a_birth_date_in_the_future_is_refused_and_today_is_fine():
    assert codes("cn_resident_id", with_check("11010520990101002")) == ["ID_DATE_FUTURE"]
    assert codes("cn_resident_id", with_check("11010520260702002")) == ["ID_DATE_FUTURE"]
    assert codes("cn_resident_id", with_check("11010520260701002")) == []
    assert codes("cn_resident_id", with_check("11010518960101002")) == []


@pytest.mark.parametrize("province", ["00", "10", "16", "38", "66", "72", "89"])
def test_an_unknown_province_is_refused(province):
    assert codes("cn_resident_id", with_check(f"{province}010519491231002")) == ["ID_REGION"]


def test_a_county_is_never_refused():
    for county in ("659012", "330113", "119999", "710000", "542100"):
        assert codes("cn_resident_id", with_check(f"{county}19491231002")) == []


def test_all_that_is_wrong_is_said_at_once():
    assert codes("cn_resident_id", "990105204913320021"[:17].replace("99", "00") + "9") == [
        "ID_REGION",
        "ID_DATE_IMPOSSIBLE",
        "ID_CHECKSUM",
    ]
    assert codes("cn_resident_id", "3301I32022136X001X") == ["ID_X_ONLY_LAST", "ID_CHAR"]
    assert codes("cn_resident_id", "33O11320220601001") == ["ID_LENGTH", "ID_CHAR"]


# The wrong type for a right number


@pytest.mark.parametrize(
    ("kind", "raw", "likely"),
    [
        ("cn_resident_id", "810000199408230021", "hkmotw_residence_permit"),
        ("cn_resident_id", with_check("82000019940823002"), "hkmotw_residence_permit"),
        ("cn_resident_id", "830000199201300022", "hkmotw_residence_permit"),
        ("cn_resident_id", "911124198108030024", "foreign_pr_id"),
        ("cn_resident_id", "H12345678", "hkmo_travel_permit"),
        ("cn_resident_id", "HA1234567", "hkmo_travel_permit"),
        ("cn_resident_id", "12345678", "tw_travel_permit"),
        ("cn_resident_id", "E12345678", "passport"),
        ("cn_resident_id", "CAN110181010101", "foreign_pr_id"),
        ("hkmotw_residence_permit", CITIZEN, "cn_resident_id"),
        ("hkmotw_residence_permit", "911124198108030024", "foreign_pr_id"),
        ("foreign_pr_id", CITIZEN, "cn_resident_id"),
        ("foreign_pr_id", "810000199408230021", "hkmotw_residence_permit"),
        ("hkmo_travel_permit", CITIZEN, "cn_resident_id"),
        ("hkmo_travel_permit", "810000199408230021", "hkmotw_residence_permit"),
        ("hkmo_travel_permit", "12345678", "tw_travel_permit"),
        ("tw_travel_permit", "H12345678", "hkmo_travel_permit"),
        ("tw_travel_permit", "H1234567801", "hkmo_travel_permit"),
        ("tw_travel_permit", "830000199201300022", "hkmotw_residence_permit"),
        ("passport", CITIZEN, "cn_resident_id"),
        ("passport", "H1234567801", "hkmo_travel_permit"),
    ],
)
def test_another_documents_number_suggests_its_type_and_is_not_switched(kind, raw, likely):
    assert suggestions(kind, raw) == [likely]
    assert check_document(kind, raw, TODAY)[0] is None
    assert check_document(likely, raw, TODAY)[0] is not None


def test_the_suggested_type_is_named_in_the_readers_language():
    _, findings = check_document("cn_resident_id", "810000199408230021", TODAY)
    assert "Residence permit for Hong Kong" in findings[0].message["en"]
    assert "“港澳台居民居住证”" in findings[0].message["zh"]


def test_a_slip_in_another_documents_number_does_not_hide_the_suggestion():
    assert codes("cn_resident_id", "810000199408230022") == ["ID_OTHER_TYPE", "ID_CHECKSUM"]
    assert codes("cn_resident_id", "81000019940823002") == ["ID_OTHER_TYPE", "ID_LENGTH"]


@pytest.mark.parametrize("kind", ["", "id", "CN_RESIDENT_ID", "\ud800", "__class__"])
def test_an_unknown_type_is_found_on_its_own_field(kind):
    document, findings = check_document(kind, CITIZEN, TODAY, "travellers[3].document")
    assert document is None
    assert [(finding.field, finding.code) for finding in findings] == [
        ("travellers[3].document_type", "ID_TYPE_UNKNOWN")
    ]
    assert codes("nothing", "") == ["ID_TYPE_UNKNOWN", "ID_EMPTY"]


# Residence permits and permanent residents


@pytest.mark.parametrize("raw", ["810000199408230021", "830000199201300022"])
def test_the_published_residence_permits_are_accepted(raw):
    document, findings = check_document("hkmotw_residence_permit", raw, TODAY)
    assert findings == []
    assert document is not None
    assert document.birth_date == date(int(raw[6:10]), int(raw[10:12]), int(raw[12:14]))


def test_a_residence_permit_has_one_of_three_prefixes():
    assert codes("hkmotw_residence_permit", with_check("81000119940823002")) == ["HKMOTW_FORMAT"]
    assert codes("hkmotw_residence_permit", with_check("00000019940823002")) == ["HKMOTW_FORMAT"]
    assert codes("hkmotw_residence_permit", "A123456(7)") == ["HKMOTW_FORMAT"]
    assert codes("hkmotw_residence_permit", "810000199408230022") == ["ID_CHECKSUM"]


def test_new_and_old_permanent_resident_cards_are_accepted():
    document, findings = check_document("foreign_pr_id", "911124198108030024", TODAY)
    assert findings == []
    assert document is not None
    assert document.birth_date == date(1981, 8, 3)
    assert number_of("foreign_pr_id", "can 1101 8101 0101") == "CAN110181010101"
    assert check_document("foreign_pr_id", "CAN110181010101", TODAY)[0].birth_date is None


def test_other_forms_of_permanent_resident_numbers_are_refused():
    assert codes("foreign_pr_id", "911124198108030025") == ["ID_CHECKSUM"]
    assert codes("foreign_pr_id", "91112419810803002") == ["ID_LENGTH"]
    assert codes("foreign_pr_id", "CA1101810101012") == ["FPR_FORMAT"]
    assert codes("foreign_pr_id", "CAN11018101O101") == ["FPR_FORMAT", "ID_CHAR"]


# Travel permits


@pytest.mark.parametrize("raw", ["H12345678", "m12345678", "HA1234567", "MA1234567", "Ｈ1234 5678"])
def test_permits_of_hong_kong_and_macao_are_accepted_also_for_foreign_residents(raw):
    assert codes("hkmo_travel_permit", raw) == []


def test_a_renewed_permit_is_the_same_person():
    old, _ = check_document("hkmo_travel_permit", "H1234567801", TODAY)
    new, _ = check_document("hkmo_travel_permit", "H12345678", TODAY)
    assert old is not None
    assert new is not None
    assert old.person_key == new.person_key == "H12345678"
    assert old.last4 == new.last4 == "5678"
    assert new.masked == "H****5678"
    book, _ = check_document("tw_travel_permit", "12345678 01 (Ｂ)", TODAY)
    card, _ = check_document("tw_travel_permit", "12345678", TODAY)
    assert book is not None
    assert card is not None
    assert book.number == "1234567801(B)"
    assert book.person_key == card.person_key == "12345678"


@pytest.mark.parametrize("raw", ["A123456(7)", "H1234567", "HB1234567", "HA12345678", "H123456780", "X12345678"])
def test_other_forms_of_hong_kong_and_macao_permits_are_refused(raw):
    assert codes("hkmo_travel_permit", raw)[0] == "HKMO_FORMAT"


def test_a_permit_with_a_letter_for_a_digit_says_where():
    _, findings = check_document("hkmo_travel_permit", "H1234567o", TODAY)
    assert [(finding.code, finding.suggestion) for finding in findings] == [("HKMO_FORMAT", None), ("ID_CHAR", "0")]
    assert "第9位" in findings[1].message["zh"]
    assert codes("tw_travel_permit", "O1234567") == ["TW_FORMAT", "ID_CHAR"]
    assert codes("tw_travel_permit", "O123456701(A)") == ["TW_FORMAT", "ID_CHAR"]


@pytest.mark.parametrize("raw", ["12345678", "1234567801", "1234567801A", "1234567801(A)"])
def test_permits_of_taiwan_are_accepted_with_and_without_the_issue_count(raw):
    assert codes("tw_travel_permit", raw) == []


def test_a_taiwan_identity_number_is_not_a_permit():
    assert codes("tw_travel_permit", "A123456789") == ["TW_FORMAT"]
    assert codes("tw_travel_permit", "A800000014") == ["TW_FORMAT"]
    assert codes("tw_travel_permit", "1234567") == ["TW_FORMAT"]


def test_a_one_trip_paper_is_left_to_the_staff():
    document, findings = check_document("tw_travel_permit", "AB1234567890", TODAY)
    assert document is not None
    assert [(finding.code, finding.severity) for finding in findings] == [("CHECK_UNAVAILABLE", "warning")]


# Passports


@pytest.mark.parametrize("raw", ["L898902C3", "e12345678", "AB123", "L898902C<", "K 1234 567"])
def test_passport_numbers_have_five_to_nine_letters_and_digits(raw):
    assert codes("passport", raw) == []


@pytest.mark.parametrize("raw", ["AB12", "E1234567890", "E1234_678", "护照E123456", "<<"])
def test_other_forms_of_passport_numbers_are_refused(raw):
    assert codes("passport", raw) == ["PASSPORT_FORMAT"]


def test_a_word_in_the_passport_field_is_left_to_the_staff():
    assert codes("passport", "ZHANGSAN") == ["CHECK_UNAVAILABLE"]


def test_a_short_number_is_not_given_away_by_its_end():
    document, _ = check_document("passport", "AB123", TODAY)
    assert document is not None
    assert (document.last4, document.masked) == ("23", "***23")


# Names


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("王小明", "王小明"),
        (" 张　三 ", "张三"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉·买买提", "阿卜杜拉·买买提"),
        ("Anna-Maria  O’Neill", "Anna-Maria O'Neill"),
        ("Jean‑Luc D´Arc", "Jean-Luc D'Arc"),
        ("A\u034f\u0300da", "Àda"),
        ("José Núñez", "José Núñez"),
        ("Jose\u0301 Garc\u0131a", "José Garcıa"),
        ("Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("ＷＡＮＧ ＸＩＡＯＭＩＮＧ", "WANG XIAOMING"),
        ("Иван Петров", "Иван Петров"),
        ("བཀྲ་ཤིས".replace("་", " "), "བཀྲ ཤིས"),
        ("𠮷田", "𠮷田"),
        ("王\U00031350", "王\U00031350"),
        ("王\u200b\u202e小\x07明", "王小明"),
        ("Anna\tMaria\nLee", "Anna Maria Lee"),
    ],
)
def test_names_of_all_scripts_are_taken_as_they_are_meant(raw, name):
    assert check_name(raw) == (name, [])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", ["NAME_EMPTY"]),
        ("\u200b \u3164", ["NAME_EMPTY"]),
        ("王", ["NAME_LENGTH"]),
        ("a" * 61, ["NAME_LENGTH"]),
        ("王5", ["NAME_CHARACTERS"]),
        ("王小明<", ["NAME_CHARACTERS"]),
        ("Robert'); DROP", ["NAME_CHARACTERS", "NAME_CHARACTERS"]),
        ("张三😀", ["NAME_CHARACTERS"]),
        ("--", ["NAME_CHARACTERS", "NAME_CHARACTERS"]),
        ("· .", ["NAME_CHARACTERS"] * 3),
        ("张三\ud800", ["NAME_CHARACTERS"]),
        ("5", ["NAME_LENGTH", "NAME_CHARACTERS"]),
        ("a" * 40 + "1", ["NAME_CHARACTERS"]),
        ("a" * 201, ["TOO_LONG"]),
    ],
)
def test_what_is_not_a_name_is_refused(raw, expected):
    name, findings = check_name(raw)
    assert name is None
    assert [finding.code for finding in findings] == expected


def test_a_passport_name_that_may_not_match_is_warned_about():
    for risky in ("Madonna", "王小明", "WANG 小明"):
        name, findings = check_name(risky, document_type="passport")
        assert name == risky
        assert [(finding.code, finding.severity) for finding in findings] == [("NAME_MISMATCH_RISK", "warning")]
    assert check_name("WANG XIAOMING", document_type="passport") == ("WANG XIAOMING", [])
    assert check_name("王小明", document_type="cn_resident_id") == ("王小明", [])


# Phones


@pytest.mark.parametrize(
    "raw",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "+86 138-0013-8000",
        "(+86) 138 0013 8000",
        "１３８００１３８０００",
        "\u202a13800138000\u202c",
        "013800138000",
        "١٣٨٠٠١٣٨٠٠٠",
    ],
)
def test_a_mainland_mobile_is_read_in_all_its_spellings(raw):
    assert check_phone(raw) == ("+8613800138000", [])


@pytest.mark.parametrize("raw", ["19400000000", "16000000000", "14600000000", "19912345678"])
def test_a_range_the_library_does_not_know_yet_is_accepted(raw):
    assert check_phone(raw) == ("+86" + raw, [])


def test_a_mainland_mobile_never_reaches_the_library(monkeypatch):
    monkeypatch.setattr(phonenumbers, "parse", None)
    assert check_phone("13800138000") == ("+8613800138000", [])
    assert check_phone("+86 138 0013 8000") == ("+8613800138000", [])


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("", "CN", ["PHONE_EMPTY"]),
        ("+", "CN", ["PHONE_EMPTY"]),
        ("1380013800O", "CN", ["PHONE_CHAR"]),
        ("1380013800l", "CN", ["PHONE_CHAR"]),
        ("138+0013800", "CN", ["PHONE_CHAR"]),
        ("1-800-FLOWERS", "US", ["PHONE_CHAR"] * 7),
        ("1380013800", "CN", ["PHONE_LENGTH"]),
        ("138001380001", "CN", ["PHONE_LENGTH"]),
        ("+86 1380013800", "CN", ["PHONE_LENGTH"]),
        ("12345678901", "CN", ["PHONE_PREFIX"]),
        ("010-62345678", "CN", ["PHONE_PREFIX"]),
        ("0931-8812345", "CN", ["PHONE_PREFIX"]),
        ("400-810-1234", "CN", ["PHONE_PREFIX"]),
        ("+86 10 6234 5678", "HK", ["PHONE_LENGTH"]),
        ("51234567", "CN", ["PHONE_LENGTH", "PHONE_FOREIGN"]),
        ("0912345678", "CN", ["PHONE_FOREIGN"]),
        ("85251234567", "CN", ["PHONE_FOREIGN"]),
        ("51234567", "", ["PHONE_FOREIGN"]),
        ("51234567", "\ud800", ["PHONE_FOREIGN"]),
        ("+999123456789", "CN", ["PHONE_INVALID"]),
        ("123", "HK", ["PHONE_INVALID"]),
        ("1" * 201, "CN", ["TOO_LONG"]),
        ("1" * 150, "HK", ["PHONE_INVALID"]),
    ],
)
def test_what_is_not_a_mobile_is_refused_with_its_reason(raw, region, expected):
    phone, findings = check_phone(raw, region=region)
    assert phone is None
    assert [finding.code for finding in findings] == expected


@pytest.mark.parametrize(
    ("raw", "region", "phone"),
    [
        ("+852 5123 4567", "CN", "+85251234567"),
        ("00852 5123 4567", "CN", "+85251234567"),
        ("5123 4567", "HK", "+85251234567"),
        ("6612 3456", "mo", "+85366123456"),
        ("0912-345-678", "TW", "+886912345678"),
        ("+44 7400 123456", "CN", "+447400123456"),
        ("(650) 253-0000", "US", "+16502530000"),
        ("０９０ー１２３４ー５６７８", "JP", "+819012345678"),
    ],
)
def test_numbers_from_elsewhere_are_read_by_country(raw, region, phone):
    assert check_phone(raw, region=region) == (phone, [])


def test_what_the_tables_of_the_library_do_not_confirm_is_only_warned_about():
    phone, findings = check_phone("+852 2123 4567")
    assert phone == "+85221234567"
    assert [(finding.code, finding.severity) for finding in findings] == [("PHONE_PREFIX", "warning")]
    phone, findings = check_phone("+852 1123 4567")
    assert phone == "+85211234567"
    assert [(finding.code, finding.severity) for finding in findings] == [("CHECK_UNAVAILABLE", "warning")]


def test_a_crash_of_the_library_does_not_refuse_the_traveller(monkeypatch):
    def crash(*_):
        raise KeyError("county")

    monkeypatch.setattr(phonenumbers, "parse", crash)
    phone, findings = check_phone("+852 5123 4567")
    assert phone == "+85251234567"
    assert [(finding.code, finding.severity) for finding in findings] == [("CHECK_UNAVAILABLE", "warning")]
    phone, findings = check_phone("5123 4567", region="HK")
    assert phone is None
    assert [finding.code for finding in findings] == ["PHONE_FOREIGN"]


# Travellers, masks, texts


def test_a_traveller_is_a_name_and_a_document():
    traveller, findings = check_traveller("王小明", "cn_resident_id", CITIZEN, TODAY)
    assert findings == []
    assert traveller is not None
    assert traveller.name == "王小明"
    assert traveller.document.number == CITIZEN


def test_findings_about_a_traveller_name_their_fields():
    traveller, findings = check_traveller("", "cn_resident_id", "1", TODAY, "travellers[2]")
    assert traveller is None
    assert {finding.field for finding in findings} == {"travellers[2].name", "travellers[2].document"}


def test_masks_show_what_a_clerk_needs_and_no_more():
    assert documents.mask_document("11010519491231002X") == "110***********002X"
    assert documents.mask_document("E12345678") == "E****5678"
    assert documents.mask_phone("+8613800138000") == "138****8000"
    assert documents.mask_phone("13800138000") == "138****8000"
    assert documents.mask_phone("+85251234567") == "+852****4567"
    assert documents.mask_phone("+12345678") == "****78"
    assert documents.mask_name("张三") == "张*"
    assert documents.mask_name("阿卜杜拉·买买提") == "阿**"
    assert documents.mask_name("John Smith") == "J*** S***"


@given(st.text(max_size=40))
def test_masks_take_any_text(text):
    assert len(documents.mask_document(text)) == len(text)
    documents.mask_phone(text)
    documents.mask_name(text)


def test_a_log_line_cannot_hold_the_number():
    traveller, _ = check_traveller("王小明", "cn_resident_id", CITIZEN, TODAY)
    assert CITIZEN not in repr(traveller)
    assert "小明" not in repr(traveller)


def test_too_long_an_entry_is_refused_without_echo():
    for findings in (
        check_document("passport", "SECRET" * 2000, TODAY)[1],
        check_name("SECRET" * 2000)[1],
        check_phone("SECRET" * 2000)[1],
    ):
        assert [finding.code for finding in findings] == ["TOO_LONG"]
        assert "SECRET" not in str(findings)


def test_an_echoed_character_is_harmless():
    for character, shown in (("\ud800", "U+D800"), ("\ue000", "U+E000"), ("\u0301", "U+0301"), ("{", "{"), ("<", "<")):
        _, findings = check_document("cn_resident_id", "3301132022060100" + character + "X", TODAY)
        assert f'("{shown}")' in findings[0].message["en"]


def test_every_sentence_has_its_translation():
    for sentence in [*documents.MESSAGES.values(), *documents.LABELS.values()]:
        chinese = i18n.catalogue().get(sentence)
        assert chinese, sentence
        assert chinese != sentence
        assert set(re.findall(r"{\w+}", chinese)) == set(re.findall(r"{\w+}", sentence))
    assert set(documents.LABELS) == set(DocumentType)


# Anything at all

anything = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=st.characters(codec=None), max_size=60),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Nd", "No", "Mn", "Lm"]), max_size=40),
    st.text(alphabet="0123456789Xx HMA-×Ｘ１\u200b\u202e(<OIl+", max_size=24),
    st.builds(str.__mul__, st.text(min_size=1, max_size=100), st.integers(1, 100)),
    st.sampled_from(made_citizens(20)).flatmap(lambda number: st.permutations(number).map("".join)),
)


def judge(raw: str, result: object, findings: list[documents.Finding]) -> None:
    assert (result is None) == any(finding.severity == "error" for finding in findings)
    msgspec.json.encode([result, findings])
    bare = re.sub(r"\s", "", raw)
    for finding in findings:
        assert finding.code in documents.MESSAGES
        assert finding.message["zh"]
        assert finding.message["zh"] != finding.message["en"]
        assert "{" not in finding.message["en"].replace('("{")', "")
        if len(bare) >= 9 or len(bare.encode("utf-8", "replace")) >= 12:
            assert bare not in finding.message["en"]
            assert bare not in finding.message["zh"]


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from([*DocumentType, "other"]), anything)
def test_no_text_breaks_the_check_of_documents(kind, raw):
    document, findings = check_document(kind, raw, TODAY)
    judge(raw, document, findings)
    if document is not None:
        assert check_document(kind, document.number, TODAY)[0] == document
        assert 2 <= len(document.last4) <= len(document.person_key) // 2
        assert document.number not in document.masked


@settings(max_examples=1500, deadline=None)
@given(anything, st.sampled_from(["", "passport"]))
def test_no_text_breaks_the_check_of_names(raw, document_type):
    name, findings = check_name(raw, document_type=document_type)
    judge(raw, name, findings)
    if name is not None:
        assert check_name(name, document_type=document_type) == (name, findings)


@settings(max_examples=1500, deadline=None)
@given(anything, st.sampled_from(["CN", "HK", "US", "", "zz", "\ud800"]))
def test_no_text_breaks_the_check_of_phones(raw, region):
    phone, findings = check_phone(raw, region=region)
    judge(raw, phone, findings)
    if phone is not None:
        assert re.fullmatch(r"\+[1-9][0-9]{4,16}", phone)
