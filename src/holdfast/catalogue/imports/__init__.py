"""Bringing a catalogue in from JSON or CSV: all mistakes at once, a dry run, then exactly that in one transaction.

JSON (`demo/attractions.json` is an example of all of it; `fields` says what each field may hold)::

    {"format": "holdfast-catalogue/1",
     "sources": [{"id", "what", "url", "quality", "as_of"}],
     "venues": [{"id", "name", "city", "province", "kind", "summary", "latitude", "longitude", "time_zone", "position",
       "facts": [{"fact", "label", "value", "status", "source", "as_of", "note"}],
       "openings": [{"season", "from_day", "to_day", "opens", "closes", "last_entry", "closed_weekdays", "provenance"}],
       "special_days": [{"day", "is_open", "opens", "closes", "last_entry", "reason"}],
       "policies": [{"origin", "product_id", "from_date", "to_date", "weekdays", "kind", "value", "reason", "authority",
                     "supersedes", "provenance"}],
       "products": [{"id", "name", "real_name", "documents", "max_per_order", "once_per_document_day", "per_account_day",
                     "release_days", "release_time", "same_day_sale", "notice_minutes", "cancel_rule",
                     "provenance",
         "timeslots": [{"code", "name", "starts", "ends", "share_percent", "capacity", "provenance"}],
         "prices": [{"id", "ticket", "name", "amount", "currency", "from_day", "to_day", "uses_place", "with_card", "per_main",
                     "position", "provenance"}]}]}]}

CSV: one file per list, named like it (``venues.csv``, ``prices.csv``), with the id of what it belongs to as a column;
any of them may be missing. A bilingual ``name`` is two columns, ``name_zh`` and ``name_en``; provenance is ``status``,
``source``, ``as_of``, ``note_zh``, ``note_en``.
"""

from .differences import KINDS, Change, Plan, Warned, between
from .entries import Entries, Entry
from .fields import TABLES
from .mistakes import error
from .plans import PARTS, CatalogueFile, Part, PartPlan, apply, demo, plan, read, read_upload

__all__ = [
    "KINDS",
    "PARTS",
    "TABLES",
    "CatalogueFile",
    "Change",
    "Entries",
    "Entry",
    "Part",
    "PartPlan",
    "Plan",
    "Warned",
    "apply",
    "between",
    "demo",
    "error",
    "plan",
    "read",
    "read_upload",
]
