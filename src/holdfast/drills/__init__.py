"""Practice: throw-away installations of the real program, with real processes, to show and to break things.

`instance` is such an installation; `workload` the people in it, decided by a seed; `auditor` compares the database with
what the providers know; `scenarios/` holds one drill each, whose `main(options)` gives a `report`.
"""

from .instance import Instance
from .report import Report

__all__ = ["Instance", "Report"]
