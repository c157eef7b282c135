"""Who the caller is. Operators are kept out before anything of their request is read."""

from typing import Annotated

from fastapi import Depends

from chassis.http.auth import Visitor, allow, allow_anyone, visitor_of
from chassis.http.problems import NotOneVisitor, raises
from contracts.access import Claims, Role

OPERATORS = frozenset({Role.OPERATOR})
NoOperator = Depends(allow_anyone(never=OPERATORS))
"""For whoever holds a form's token: no bearer token is needed, an operator's is refused."""


@raises(NotOneVisitor)
async def _visitor(claims: Annotated[Claims, Depends(allow(Role.VISITOR, never=OPERATORS))]) -> Visitor:
    return visitor_of(claims)


AVisitor = Annotated[Visitor, Depends(_visitor)]
