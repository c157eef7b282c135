"""What a text may hold."""

import unicodedata

LONGEST_NAME = 200
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
"""Unicode's categories of what can't be seen: control, format, half surrogates, unassigned, line ends."""


def clean_name(text: str) -> str | None:
    """A name that only shows, without what can't be seen, cut to 200 characters; None if nothing is left."""
    seen = "".join(letter for letter in text if unicodedata.category(letter) not in UNSEEN)
    return seen.strip()[:LONGEST_NAME].strip() or None
