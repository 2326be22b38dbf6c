"""Benches: commands that measure ratios in one run, each figure with its check. ``holdfast bench`` lists them."""
