"""Text that can be erased: sealed before it is first written, unreadable once its data key is deleted."""

from chassis.crypto_shredding.key_reader import KeyReader
from chassis.crypto_shredding.key_ring import KeyRing
from chassis.crypto_shredding.private_key_ring import PrivateKeyRing
from chassis.crypto_shredding.tombstones import ErasurePace
from chassis.errors import DecryptionFailed, KeyOwnerMismatch, SubjectErased

__all__ = [
    "DecryptionFailed",
    "ErasurePace",
    "KeyOwnerMismatch",
    "KeyReader",
    "KeyRing",
    "PrivateKeyRing",
    "SubjectErased",
]
