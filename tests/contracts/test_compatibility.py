"""Only add, and only optional fields: today's schemas against those of the first release."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import CATALOGUE, CatalogueEntry, files, schema_of

RELEASED = Path(__file__).parent / "released"
ROOT = Path(__file__).parents[2]
PROSE = {"title", "description", "examples", "$defs", "$schema", "$id"}
Schema = dict[str, Any]


def breaks(released: Schema, today: Schema) -> list[str]:
    """Why old readers or old messages would fail; empty if neither would."""
    return list(_breaks(_inline(released, released), _inline(today, today), "body"))


def _inline(schema: Any, root: Schema) -> Any:
    if isinstance(schema, list):
        return [_inline(one, root) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    return {
        key: (
            {name: _inline(one, root) for name, one in value.items()}
            if key == "properties"
            else _inline(value, root)
        )
        for key, value in schema.items()
        if key == "properties" or key not in PROSE
    }


def _breaks(old: Any, new: Any, at: str) -> Iterator[str]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for index, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from _breaks(one, other, f"{at}[{index}]")
        elif old != new:
            yield f"{at}: {old} became {new}"
        return
    if set(old.get("required", ())) != set(new.get("required", ())):
        yield f"{at}: other fields are required"
    for name in old.keys() | new.keys():
        if name == "properties":
            yield from _lost_or_changed(old.get(name, {}), new.get(name, {}), at)
        elif name != "required":
            yield from _breaks(old.get(name), new.get(name), f"{at}.{name}")


def _lost_or_changed(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for field, shape in old.items():
        yield from _breaks(shape, new.get(field), f"{at}.{field}")


@pytest.mark.parametrize("said", CATALOGUE, ids=lambda said: said.type)
def test_today_breaks_neither_old_readers_nor_old_messages(said: CatalogueEntry) -> None:
    released = json.loads((RELEASED / f"{said.type}.json").read_text())
    assert breaks(released, schema_of(said)) == []


def test_no_released_type_is_gone() -> None:
    assert {path.stem for path in RELEASED.glob("*.json")} == {said.type for said in CATALOGUE}


def test_schemas_and_catalogue_are_up_to_date() -> None:
    wanted = files(ROOT / "contracts/schemas", ROOT / "docs/events.md")
    assert [path.name for path, text in wanted.items() if path.read_text() != text] == [], "run `make events`"
    assert set((ROOT / "contracts/schemas").glob("*.json")) == wanted.keys() - {ROOT / "docs/events.md"}


def _closed() -> Schema:
    return schema_of(next(said for said in CATALOGUE if said.type == "candor.dialog.closed.v1"))


def _drop(schema: Schema) -> None:
    del schema["properties"]["labels"]


def _require(schema: Schema) -> None:
    schema["required"].append("labels")


def _no_longer_require(schema: Schema) -> None:
    schema["required"].remove("closed_by")


def _retype(schema: Schema) -> None:
    schema["properties"]["client_messages"]["type"] = "string"


def _tighten(schema: Schema) -> None:
    schema["properties"]["close_seq"]["minimum"] = 2


def _add_an_enum_value(schema: Schema) -> None:
    schema["$defs"]["ClosedBy"]["enum"].append("robot")


def _drop_inside(schema: Schema) -> None:
    del schema["$defs"]["Participant"]["properties"]["team"]


@pytest.mark.parametrize(
    "change",
    [_drop, _require, _no_longer_require, _retype, _tighten, _add_an_enum_value, _drop_inside],
)
def test_a_breaking_change_is_seen(change: Callable[[Schema], None]) -> None:
    today = copy.deepcopy(_closed())
    change(today)
    assert breaks(_closed(), today)


def test_a_new_optional_field_breaks_nobody() -> None:
    today = copy.deepcopy(_closed())
    today["properties"]["mood"] = {"type": "string"}
    today["$defs"]["Participant"]["properties"]["mood"] = {"type": "string"}
    assert breaks(_closed(), today) == []
