"""What the outside checkers have in common: driving the command line and plain facts of the contract.

Nothing in here, or in the checkers, comes from the product: hashes, framing and number rules are written again from
interface.md, so that a mistake in the product cannot hide behind the same mistake in its judge.
"""
