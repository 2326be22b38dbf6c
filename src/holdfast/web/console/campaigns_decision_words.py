"""Words of the page on which it is decided what becomes of a stopped campaign. English here; Chinese in zh.po."""

REASONS = {
    "envelope": "more was given than finance had allowed",
    "share": "far more orders got it than foreseen",
    "size": "discounts were far greater than foreseen",
    "pace": "money went far faster than foreseen",
    "stage": "its stage did not go as foreseen",
    "person": "somebody stopped it",
}
PAYERS = {"platform": "the platform", "merchant": "the suppliers", "government": "a government agreement"}
VERDICTS = {
    "honour": ("ok", "honoured: it stays with those who got it, and the platform bears it"),
    "right": ("info", "no mistake: it stays as it was booked"),
}
STATES = {
    "proposed": ("warn", "waits for a colleague of finance"),
    "approved": ("info", "approved"),
    "applied": ("ok", "decided"),
    "rejected": ("bad", "refused"),
    "withdrawn": ("", "withdrawn"),
    "expired": ("", "expired"),
}
"""A proposal's state → the badge's tone and an English word."""
