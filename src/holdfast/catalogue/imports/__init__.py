"""Bringing a catalogue in from JSON or CSV: all mistakes at once, a dry run, then exactly that in one transaction.

The format is described by the tables in `fields`; `demo/attractions.json` is an example of all of it.
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
