"""What routes ask for: the objects that `analytics.app` has joined."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends

from analytics.read_models.channels import Channels
from analytics.read_models.decryption import Decryptor
from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.generations import ServingDocuments
from analytics.read_models.marks import Marks
from analytics.read_models.progress import ProgressReader
from analytics.read_models.reviewed import ReviewedCloses
from chassis.audit import Audit as AuditLog
from chassis.clock import Clock as AnyClock
from chassis.crypto_shredding import PrivateKeyRing
from chassis.eventstore.repository import Repository as AnyRepository
from chassis.http.live import LiveUpdates
from chassis.http.routes import from_state

Serving = Annotated[ServingDocuments, from_state("serving")]


async def _documents(serving: Serving) -> LiveChatDocuments:
    return serving.now


Documents = Annotated[LiveChatDocuments, Depends(_documents)]
ChannelNames = Annotated[Channels, from_state("channels")]
Texts = Annotated[Decryptor, from_state("decryptor")]
Reviewed = Annotated[ReviewedCloses, from_state("reviewed")]
MarksOfTime = Annotated[Marks, from_state("marks")]
Repository = Annotated[AnyRepository, from_state("repository")]
Keys = Annotated[PrivateKeyRing, from_state("key_ring")]
Audit = Annotated[AuditLog, from_state("audit")]
Clock = Annotated[AnyClock, from_state("clock")]
Live = Annotated[LiveUpdates, from_state("live")]
Reader = Annotated[ProgressReader, from_state("progress")]
Lag = Annotated[Callable[[], int], from_state("lag")]
"""How many events this replica has yet to receive."""

MinimumN = Annotated[int, from_state("minimum_n")]
"""A number of fewer is marked as too few."""
