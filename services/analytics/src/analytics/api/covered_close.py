"""The close that an address names, if the caller may see it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path

from analytics.api.dependencies import Documents
from analytics.api.permissions import SupervisorClaims, seen_by
from analytics.domain.close import Close
from analytics.read_models.documents import close_id
from analytics.read_models.reviews import one_close
from chassis.http.problems import NotFound, raises
from contracts.dialogs import DialogClosed
from contracts.envelope import HIGHEST, Id


@dataclass(frozen=True)
class CoveredClose:
    """A close that counts, by its id `name`, and its closing."""

    name: str
    close: Close
    closed: DialogClosed


@raises(NotFound)
async def covered_close(
    dialog: Annotated[Id, Path(description="The dialog's id.")],
    close_seq: Annotated[int, Path(ge=1, le=HIGHEST, description="1 for the dialog's first close.")],
    claims: SupervisorClaims,
    documents: Documents,
) -> CoveredClose:
    """The close. One of a channel or team that the token doesn't cover isn't there, as one that never was."""
    close = await one_close(documents, name := close_id(dialog, close_seq), seen_by(claims))
    if close is None or close.closed is None:
        raise NotFound
    return CoveredClose(name, close, close.closed)


ACoveredClose = Annotated[CoveredClose, Depends(covered_close)]
