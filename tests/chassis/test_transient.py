"""What passes by itself is tried again, and nothing else is: by the names that MongoDB gives its codes."""

import pytest
from pymongo.errors import OperationFailure

from chassis.transient import TRANSIENT_CODES, is_transient

# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
PASSES = {
    "HostUnreachable": 6,
    "HostNotFound": 7,
    "MaxTimeMSExpired": 50,
    "NetworkTimeout": 89,
    "ShutdownInProgress": 91,
    "WriteConflict": 112,
    "FailedToSatisfyReadPreference": 133,
    "PrimarySteppedDown": 189,
    "SnapshotTooOld": 239,
    "SnapshotUnavailable": 246,
    "ExceededTimeLimit": 262,
    "SocketException": 9001,
    "NotWritablePrimary": 10107,
    "InterruptedAtShutdown": 11600,
    "Interrupted": 11601,
    "InterruptedDueToReplStateChange": 11602,
    "NotPrimaryNoSecondaryOk": 13435,
    "NotPrimaryOrSecondary": 13436,
    "OutOfDiskSpace": 14031,
}
LASTS = {
    "BadValue": 2,
    "Unauthorized": 13,
    "AuthenticationFailed": 18,
    "IndexOptionsConflict": 85,
    "DocumentValidationFailure": 121,
    "BSONObjectTooLarge": 10334,
    "DuplicateKey": 11000,
}


@pytest.mark.parametrize("name", PASSES)
def test_what_mongodb_calls_transient_is(name: str) -> None:
    assert is_transient(OperationFailure(name, PASSES[name]))


@pytest.mark.parametrize("name", LASTS)
def test_what_the_same_again_would_not_mend_is_not(name: str) -> None:
    assert not is_transient(OperationFailure(name, LASTS[name]))


def test_no_code_is_among_them_that_is_not_named_here() -> None:
    assert frozenset(PASSES.values()) == TRANSIENT_CODES
