"""What goes wrong, as one tree.

ChassisError
├── CommandRejected          the rules don't allow a command
├── VersionConflict          somebody else appended first
├── CommitTooLarge           a commit that can never be stored
├── PermanentWriteError      the database refuses a write, and would again
├── CheckpointConflict       somebody else moved a checkpoint
├── PartitionsRevoked        stop working: the partitions go to another member
├── TaskEnded                a background task came to an end by itself
├── InvalidCursor            no cursor of this list
├── NotReady                 a check of readiness knows what is wrong
├── SubjectErased            nothing is sealed for this data subject any more
├── KeyOwnerMismatch         a key is another data subject's
├── DecryptionFailed         not sealed text, or not sealed with this key
└── TransientError           the same again may go well; see `chassis.transient`
    ├── ClockNotSet          the database has not told the time yet
    ├── LockTimeout          too many commands for one stream
    ├── RetriesExhausted     a stream could not be written in time
    ├── WriteOutcomeUnknown  the store did not say whether it stored
    ├── PublishFailed        Kafka did not acknowledge
    └── UnknownStoredEvent   a newer release wrote it

What a caller is told over HTTP is `chassis.http.problems`.
"""


class ChassisError(Exception):
    """Everything that the chassis raises on purpose."""


class CommandRejected(ChassisError):
    """A command that the rules don't allow: a code in kebab-case, and the facts that fill its sentence.

    Sentences and HTTP statuses of codes stand where they are shown: ``<service>/api/problems.py``.
    """

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(" ".join([code, *(f"{name}={value}" for name, value in facts.items())]))
        self.code = str(code)
        self.facts = facts


class VersionConflict(ChassisError):
    """Somebody else appended this commit's number first; nothing was stored."""


class CommitTooLarge(ChassisError, ValueError):
    """A commit of more than 1 MB; nothing was stored, nor will it be."""


class PermanentWriteError(ChassisError):
    """The database refused a write, and would again: a rule of the collection, a missing right."""


class CheckpointConflict(ChassisError):
    """Somebody else has moved a checkpoint: read them again."""


class PartitionsRevoked(ChassisError):
    """The partitions go to another member, or the service stops: leave the work unacknowledged."""


class TaskEnded(ChassisError):
    """A background task came to an end although nobody stopped it."""


class InvalidCursor(ChassisError, ValueError):
    """Another list's cursor, a changed one, or none at all: 422 over HTTP, from a validator or a route."""

    code = "not-a-cursor"

    def __init__(self) -> None:
        super().__init__("the cursor is not one of ours")


class NotReady(ChassisError):
    """A check of readiness knows what is wrong; its text is a sentence that everybody may read."""


class SubjectErased(ChassisError):
    """The data subject was erased: nothing of theirs is sealed any more."""


class KeyOwnerMismatch(ChassisError):
    """The key belongs to another data subject: whoever calls has to check whose scope it is first."""


class DecryptionFailed(ChassisError):
    """Not sealed text, sealed with another key than this one, or changed since."""


class TransientError(ChassisError):
    """Says nothing about the work in hand: the same again may go well."""


class ClockNotSet(TransientError):
    """The time was asked for before the database told it."""


class LockTimeout(TransientError):
    """Too many other commands of this stream came first."""


class RetriesExhausted(TransientError):
    """The stream could not be written in time; whether the command was done is unknown: send it again."""


class WriteOutcomeUnknown(TransientError):
    """The store did not say whether the commit was stored: load and decide again."""


class PublishFailed(TransientError):
    """Not every record was acknowledged; some may have been written: publish them again."""


class UnknownStoredEvent(TransientError):
    """A stored event that this release can't read: its stream is left alone until a newer one does."""
