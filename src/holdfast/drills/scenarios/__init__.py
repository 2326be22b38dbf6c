"""The drills: one file each, with ``main(options) -> Report``. ``holdfast drill`` lists them."""
