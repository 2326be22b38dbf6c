"""What the rules of lint say: a sentence and the next step for each code, in English; the Chinese stands in ``zh.po``."""

from __future__ import annotations

RULES: dict[str, tuple[str, str]] = {
    # what is said
    "TEXT_MISSING": (
        "“{field}” needs a text in Chinese and in English, 2 to {most} characters each.",
        "Write both; travellers read them.",
    ),
    "TEXT_OF_GOVERNMENT": (
        "The text speaks of the government or of public money, which does not pay here.",
        "Write what it is; who pays and what that is called comes from the envelope alone.",
    ),
    # whom it reaches
    "SCOPE_EMPTY": (
        "It does not say which tickets it is for, so nobody gets anything.",
        "Choose tickets by product, venue, city or kind, or choose “everything” if that is meant.",
    ),
    "WHEN_EMPTY": (
        "It does not say for which orders it is, so nobody gets anything.",
        "Say what must be true of the order, or choose “everything” if that is meant.",
    ),
    "SCOPE_EVERYTHING": (
        "It is for all tickets of all venues.",
        "Name products, venues, cities or kinds, unless all of them are meant: then more people must agree.",
    ),
    "KIND_LIKE_CASH": (
        "It may be for {kinds}, which work like money: a discount on them can be turned into cash.",
        "Leave these kinds out of the condition, unless they are meant: then more people must agree.",
    ),
    "KIND_OUTSIDE": (
        "It may be for {kinds}, which the envelope does not allow. The first such order would stop the campaign.",
        "Add to the tickets a condition on the kind of venue: {allowed}.",
    ),
    "KIND_OPEN": (
        "It does not follow from the condition which kinds of venue it is for; the envelope allows only {allowed}.",
        "Add to the tickets a condition on the kind of venue.",
    ),
    "CHANNEL_MISSING": (
        "It names no channel, so nobody gets anything.",
        "Choose at least one channel of the envelope: {allowed}.",
    ),
    "CHANNEL_OUTSIDE": (
        "The envelope does not allow the channel {got}.",
        "Choose only from: {allowed}.",
    ),
    # how much an order gets
    "CURRENCY_OUTSIDE": (
        "It is in {got}, but the envelope is in {allowed}.",
        "Use the envelope's currency, or another envelope.",
    ),
    "CAP_MISSING": (
        "Nothing bounds what one order gets.",
        "Set the most that one order gets.",
    ),
    "CAP_AND_UNCAPPED": (
        "It has a cap and says that it has none.",
        "Remove one of the two.",
    ),
    "UNCAPPED": (
        "It has no cap: the dearer the order, the more it gets. Above {minor} the envelope stops the campaign.",
        "Set a cap, unless none is meant: then more people must agree.",
    ),
    "CAP_ABOVE_ENVELOPE": (
        "One order may get {got}; the envelope allows {allowed}.",
        "Lower the cap or the amount, or ask finance for another envelope.",
    ),
    "SHARE_ABOVE_ENVELOPE": (
        "It takes {got} off; the envelope allows {allowed}.",
        "Lower the percentage, or ask finance for another envelope.",
    ),
    "SHARE_OPEN": (
        "On cheap orders it takes off more than the {allowed} of their price that the envelope allows. The first one would stop the campaign.",
        "Require of the order: price of the tickets it is for, at least {minor}.",
    ),
    "SHARE_OPEN_TICKET": (
        "On cheap tickets it takes off more than the {allowed} of their price that the envelope allows. The first one would stop the campaign.",
        "Require of the tickets: price of one ticket, at least {minor}.",
    ),
    "SHARE_OPEN_PRICE": (
        "On dear tickets it takes off more than the {allowed} of their price that the envelope allows. The first one would stop the campaign.",
        "Require of the tickets: price of one ticket, at most {minor}.",
    ),
    "BENEFIT_UNKNOWN": (
        "There is no gift “{got}”.",
        "Choose one of: {allowed}.",
    ),
    # how much in all
    "BUDGET_ABOVE_ENVELOPE": (
        "Together with what runs in the same envelope it may spend {got}; the envelope holds {allowed}.",
        "Lower the budget, or ask finance for another envelope.",
    ),
    "BUDGET_TOO_SMALL": (
        "The budget does not suffice for a single full discount of {minor}.",
        "Raise the budget or lower the cap.",
    ),
    "COUNT_MISSING": (
        "A gift costs the order nothing, so only a number bounds it, and there is none.",
        "Set how often it may be given in all.",
    ),
    "PERSON_MISSING": (
        "It does not say how often a person may use it.",
        "Set the number for each person; linked accounts count as one.",
    ),
    "DAY_MISSING": (
        "Nobody has to type a code, and nothing bounds what it spends in a day.",
        "Set the most it may spend in a day.",
    ),
    "LARGE": (
        "Its budget is {got}.",
        "Look at the figures twice; more people must agree from {allowed}.",
    ),
    "AUTOMATIC": (
        "Whoever fits gets it without typing a code.",
        "Use codes if it is for some people only; without them finance must agree.",
    ),
    "PUBLIC_MONEY": (
        "It is called “{label}”: public money pays for it.",
        "Compare with the agreement {agreement}; more people must agree.",
    ),
    "AGREEMENT_MISSING": (
        "Public money needs the agreement it is paid under.",
        "Ask finance for an envelope that names it.",
    ),
    # when
    "SCHEDULE_EMPTY": (
        "It ends before it begins.",
        "Set an end after the beginning.",
    ),
    "SCHEDULE_LONG": (
        "It runs for more than a year.",
        "Set an earlier end; it can be continued with a new version.",
    ),
    "SCHEDULE_BEYOND_ENVELOPE": (
        "It ends after the envelope does, on {allowed}.",
        "Set an earlier end, or ask finance for another envelope.",
    ),
    "WEEKDAYS_EMPTY": (
        "It names no weekday, so it is never offered.",
        "Choose weekdays, or leave them open for every day.",
    ),
    "HOURS_EMPTY": (
        "The hours end when they begin.",
        "Set another end, or leave the hours open for the whole day.",
    ),
    "ZONE_UNKNOWN": (
        "There is no time zone “{got}”.",
        "Write it as in Asia/Shanghai.",
    ),
    "CODE_SHAPE": (
        "“{got}” cannot be typed as a code.",
        "Use 4 to 32 letters and digits.",
    ),
    # with others
    "OVERLAP_COMBINES": (
        "“{other}” may take from the same tickets; together up to {minor} from one order.",
        "Put both into one group, or let one stand alone, if only one of them is meant.",
    ),
    "OVERLAP_FLOOR": (
        "“{other}” may be for the same tickets; where both would go below the floor of an envelope, only “{first}” is granted.",
        "Look whether that is meant; priority decides which one comes first.",
    ),
    "OVERLAP_EXCLUDES": (
        "“{other}” may be for the same tickets; an order gets only what takes more off.",
        "Look whether that is meant.",
    ),
    # the worst
    "WORST_CASE": (
        "At worst it takes off {order} from an order, {person} for a person, {minute} in a minute, {day} in a day, {budget} in all.",
        "Look whether you would pay each of these.",
    ),
    "WORST_PER_MINUTE": (
        "At worst it spends {got} in a minute; at most {allowed} may be.",
        "Lower the cap or the most it may spend in a day, or narrow the conditions.",
    ),
    # cases
    "CASES_FEW": (
        "It has {positive} cases that get something and {negative} that get nothing; {wanted} of each are needed.",
        "Add baskets with exactly what they must get, also some that only just miss it.",
    ),
    "CASE_TWICE": (
        "Two cases are called “{name}”.",
        "Name them differently.",
    ),
    "CASE_LINES": (
        "The case “{name}” has no lines, two with the same number, or a time zone that does not exist.",
        "Number its lines 1, 2, 3 …, and write time zones as in Asia/Shanghai.",
    ),
    "CASE_DIFFERS": (
        "“{name}” should get {expected}, but gets {got}.",
        "Look which of them is meant: the content or the case.",
    ),
    "CASE_OUTSIDE": (
        "“{name}” gets more than its envelope allows: such an order would stop the campaign.",
        "Lower the benefit or narrow the conditions.",
    ),
}  # fmt: skip
