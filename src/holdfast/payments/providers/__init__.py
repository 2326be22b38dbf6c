"""Adapters to payment providers: each speaks one protocol and reports observations; none knows a transaction."""
