"""Where an error came from, for logs: kinds and frames, and none of its words."""

import traceback

MOST_FRAMES = 12


def safe_traceback(error: BaseException, seen: frozenset[int] = frozenset()) -> str:
    """The last frames of its traceback, then the same of what caused it and, for a group, of its members.

    An error's own text may quote what a client wrote; this never does.
    """
    frames = "".join(traceback.format_tb(error.__traceback__)[-MOST_FRAMES:])
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    seen |= {id(error)}
    below = [one for one in (error.__cause__, *members) if one is not None and id(one) not in seen]
    return frames + "".join(f"from {type(one).__name__}\n{safe_traceback(one, seen)}" for one in below)
