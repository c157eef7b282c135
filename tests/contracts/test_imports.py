"""Other systems may use the contracts: they bring nothing along but pydantic and the time zones."""

import ast
import sys
from pathlib import Path

import contracts

HERE = Path(contracts.__file__).parent


def test_contracts_import_nothing_else() -> None:
    found = set[str]()
    for file in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    assert found - sys.stdlib_module_names == {"contracts", "pydantic", "pydantic_core"}
