"""The one list of faults that say nothing about the work in hand: 503 over HTTP, retried while consuming."""

from aiokafka.errors import KafkaError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from chassis.errors import TransientError

TRANSIENT = (
    TransientError,
    ConnectionFailure,  # AutoReconnect, NotPrimaryError and NetworkTimeout are kinds of it
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
    ExecutionTimeout,
    KafkaError,
    OSError,
    TimeoutError,
)
TRANSIENT_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
SNAPSHOT_CODES = frozenset({239, 246})
"""SnapshotTooOld and SnapshotUnavailable: the read took minutes, or a collection was just made."""

TRANSIENT_CODES = SNAPSHOT_CODES | {
    6, 7, 89, 91, 112, 133, 189, 9001, 10107, 11600, 11602, 13435, 13436, 50, 262, 11601, 14031,
}  # fmt: skip
"""What MongoDB itself calls transient: host, network, shutdown, stepped down, write conflict, time limits;
then what a successor or an administrator ended, a full disk, and a snapshot that can't be had."""


def is_transient(error: BaseException) -> bool:
    """True for a fault of database, broker, network or release: the same again may go well."""
    if isinstance(error, TRANSIENT):
        return True
    if isinstance(error, OperationFailure) and error.code in TRANSIENT_CODES:
        return True
    if isinstance(error, BulkWriteError):
        problems = error.details.get("writeErrors", [])
        if all(problem["code"] in TRANSIENT_CODES for problem in problems):
            return True
    return isinstance(error, PyMongoError) and any(error.has_error_label(label) for label in TRANSIENT_LABELS)
