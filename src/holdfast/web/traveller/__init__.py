"""Pages for travellers: search, booking, payment, orders, account."""
