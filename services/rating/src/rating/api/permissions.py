"""Who the caller is. Operators are kept out before anything of their request is read."""

from typing import Annotated

from fastapi import Depends

from chassis.http.auth import Visitor, allow_anyone, allow_visitor
from contracts.access import Role

OPERATORS = frozenset({Role.OPERATOR})
NoOperator = Depends(allow_anyone(never=OPERATORS))
"""For whoever holds a form's token: no bearer token is needed, an operator's is refused."""

AVisitor = Annotated[Visitor, Depends(allow_visitor(never=OPERATORS))]
