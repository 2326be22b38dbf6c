"""Stripe, as far as cards need it: payment intents, refunds, the balance, webhooks, and a small Stripe.js.

Behaviour and words follow the API reference and guides at https://docs.stripe.com/, version 2026-10-28.endive.
"""
