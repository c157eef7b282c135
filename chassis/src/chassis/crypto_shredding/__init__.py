"""Words that can be forgotten: sealed before they are first written, gone when their key is."""

from chassis.crypto_shredding.key_reader import KeyReader
from chassis.crypto_shredding.key_ring import KeyRing
from chassis.crypto_shredding.tombstones import ErasurePace
from chassis.errors import DecryptionFailed, KeyOwnerMismatch, SubjectErased

__all__ = ["DecryptionFailed", "ErasurePace", "KeyOwnerMismatch", "KeyReader", "KeyRing", "SubjectErased"]
