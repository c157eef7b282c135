"""Chat's events about clients, on `candor.clients`."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from contracts.envelope import Event, Id, Instant


class ClientErased(Event):
    """Everything this client wrote or is called must be forgotten, everywhere."""

    type: Literal["candor.client.erased.v1"] = "candor.client.erased.v1"
    client: Id
    erased_at: Instant

    @property
    def about(self) -> str:
        """The client that the record is keyed by."""
        return self.client


ClientEvent = Annotated[ClientErased, Field()]
CLIENT_EVENTS: TypeAdapter[ClientErased] = TypeAdapter(ClientEvent)
