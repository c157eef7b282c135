"""What routes ask for: the objects that `chat.app` has joined."""

from typing import Annotated

from chassis.audit import Audit as AuditLog
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.repository import Repository as EventRepository
from chassis.http.live import LiveUpdates
from chassis.http.routes import from_state
from chat.api.tokens import VisitorTokens
from chat.read_models.channels import Channels as ChannelsModel
from chat.read_models.clients import Clients as ClientsModel
from chat.read_models.dialogs import Dialogs as DialogsModel
from chat.read_models.pending_visitors import PendingVisitors

Repository = Annotated[EventRepository, from_state("repository")]
Keys = Annotated[KeyRing, from_state("key_ring")]
Audit = Annotated[AuditLog, from_state("audit")]
Tokens = Annotated[VisitorTokens, from_state("visitor_tokens")]
Channels = Annotated[ChannelsModel, from_state("channels")]
Clients = Annotated[ClientsModel, from_state("clients")]
Live = Annotated[LiveUpdates, from_state("live")]
Visitors = Annotated[PendingVisitors, from_state("pending_visitors")]
Dialogs = Annotated[DialogsModel, from_state("dialogs")]
