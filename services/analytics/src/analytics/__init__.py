"""Analytics projects events of dialogs and ratings into closes and counters, and answers queries on them."""

from typing import Final

SERVICE: Final = "analytics"
"""Its name in settings, topics, groups and metrics."""
