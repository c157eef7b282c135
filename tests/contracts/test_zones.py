"""Zones are zones everywhere, or nowhere."""

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.zones import TimeZone

ZONES: TypeAdapter[str] = TypeAdapter(TimeZone)


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "Asia/Kathmandu", "America/Argentina/Ushuaia"])
def test_iana_zones_are_zones(name: str) -> None:
    assert ZONES.validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "posix/Europe/Paris", "right/Europe/Paris", "localtime", "Factory", "posixrules", "europe/paris",
        "Europe", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "EST5EDT,M3.2.0,M11.1.0",
        "UTC\0", "+02:00",
    ],
)  # fmt: skip
def test_nothing_else_is(name: str) -> None:
    with pytest.raises(ValidationError):
        ZONES.validate_python(name)


def test_for_others_it_is_a_plain_string() -> None:
    assert ZONES.json_schema() == {"type": "string", "minLength": 1, "maxLength": 64}
