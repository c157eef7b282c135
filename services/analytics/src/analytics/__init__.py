"""Analytics hears dialogs and ratings, and answers how good the live chat is."""

from typing import Final

SERVICE: Final = "analytics"
"""Its name in settings, topics, groups and metrics."""
