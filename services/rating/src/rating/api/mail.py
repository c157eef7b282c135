"""What mails lead to, beside the form: nothing but a click, or a mail program's, stops them."""

from typing import Annotated

from fastapi import Query, status

from chassis.http.routes import Router
from rating.api.dependencies import OptOuts, Repository
from rating.api.permissions import NoStaff
from rating.api.problems import problems
from rating.domain.rejections import Rejection

router = Router(prefix="/v1/mail", tags=["mail"], dependencies=[NoStaff])


@router.post(
    "/unsubscribe", status_code=status.HTTP_204_NO_CONTENT, responses=problems(Rejection.NO_SUCH_LINK)
)
async def unsubscribe(
    token: Annotated[str, Query(max_length=300, description="What the link in the mail holds.")],
    opt_outs: OptOuts,
    repository: Repository,
) -> None:
    """No mail of the channel is sent to the link's address any more; the same again does no harm.

    For mail programs (RFC 8058, `List-Unsubscribe=One-Click`) and for the page behind the link in the mail.
    The request alone says it: whatever its body holds is not read. Opening a link stops nothing.
    """
    await opt_outs.remember(await opt_outs.read(token), repository.clock.now())
