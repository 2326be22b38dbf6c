"""Inventory: how many places there are, and how many are left.

A slot is one row of counters; its capacity is computed from dated policies and never edited by hand. Selling is a
guarded set-based update (`inventory.take_many`, an SQL door for orders). A slot is open, paused (sale stopped, for a
stated reason) or closed.

Promises: no slot sells more than its capacity; a cut below what is sold stops sale at once, takes nothing away from
anybody and keeps count of what is over; every closed or paused slot says why in both languages.
"""

from . import allotments, availability, capacity, imports, policies, safety, slots, vouching
from .model import DAY_STATES, SALE_STATES, Day, Generated, Policy, Slot, SlotView
from .slots import generate

__all__ = [
    "DAY_STATES",
    "SALE_STATES",
    "Day",
    "Generated",
    "Policy",
    "Slot",
    "SlotView",
    "allotments",
    "availability",
    "capacity",
    "generate",
    "imports",
    "policies",
    "safety",
    "slots",
    "vouching",
]
