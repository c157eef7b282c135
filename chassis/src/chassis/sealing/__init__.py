"""Words that can be forgotten: sealed before they are first written, gone when their key is."""

from chassis.sealing.forgetting import Forgotten
from chassis.sealing.jwe import Unreadable
from chassis.sealing.keyring import KeyRing, NotTheirs
from chassis.sealing.reader import KeyReader
from chassis.sealing.tombstones import Pace

__all__ = ["Forgotten", "KeyReader", "KeyRing", "NotTheirs", "Pace", "Unreadable"]
