"""Tools without a business word in them; every rung of the ladder may use them."""
