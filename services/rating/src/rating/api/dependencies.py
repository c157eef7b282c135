"""What routes ask for: the objects that `rating.app` has joined."""

from typing import Annotated

from chassis.crypto_shredding import KeyRing
from chassis.eventstore.repository import Repository as EventRepository
from chassis.http.routes import from_state
from rating.api.tokens import FormTokens
from rating.api.views import FormViews
from rating.read_models.forms import Forms as FormsModel

Repository = Annotated[EventRepository, from_state("repository")]
Keys = Annotated[KeyRing, from_state("key_ring")]
Tokens = Annotated[FormTokens, from_state("form_tokens")]
Views = Annotated[FormViews, from_state("form_views")]
Forms = Annotated[FormsModel, from_state("forms")]
