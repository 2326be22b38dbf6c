"""Holdfast: reservation and payment for travel. See docs/architecture.md for the ladder that every import obeys."""

__version__ = "0.1.0"
