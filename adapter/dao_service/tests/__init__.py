"""At the import path of the guides: the factories of test data. The tests themselves are in the checkout's `tests/`."""
