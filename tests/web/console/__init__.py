"""The pages of the console that tell of payments and let people act on them."""
