"""Query parameters: known ones only, each once unless it is a list; of two, nobody could say which counts."""

from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

from chassis.http.problems import QueryTooLong, WrongShape
from chassis.validation.messages import field_error

LONGEST: Final = 4096
MOST: Final = 32


def check_query(query: bytes, known: Collection[str], repeatable: Collection[str] = ()) -> None:
    """Returns if each parameter of the query is known, and given once unless it is `repeatable`.

    Else raises a `Problem`.
    """
    if len(query) > LONGEST:
        raise QueryTooLong(most=LONGEST)
    try:
        given = [name for name, _ in parse_qsl(query.decode("latin-1"), True, max_num_fields=MOST)]  # noqa: FBT003 - keep_blank_values
    except ValueError:
        given = [""]
    # A name that the API doesn't have is the caller's word and not ours.
    if not set(given) <= set(known):
        if not known:
            raise WrongShape([field_error("query", "no-parameters")])
        raise WrongShape([field_error("query", "unknown-parameter", known=", ".join(known))])
    if twice := [name for name in known if name not in repeatable and given.count(name) > 1]:
        raise WrongShape([field_error(f"query.{name}", "given-twice") for name in twice])
