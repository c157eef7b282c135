"""What passes by itself is tried again, and nothing else is: by the names that MongoDB gives its codes."""

import pytest
from pymongo.errors import BulkWriteError, OperationFailure

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


@pytest.mark.parametrize(
    ("codes", "transient"), [([112], True), ([91, 14031], True), ([11000], False), ([112, 11000], False)]
)
def test_writes_in_bulk_pass_if_all_that_failed_do(codes: list[int], *, transient: bool) -> None:
    problems = [{"index": index, "code": code} for index, code in enumerate(codes)]
    assert is_transient(BulkWriteError({"writeErrors": problems, "writeConcernErrors": []})) == transient


@pytest.mark.parametrize("codes", [[], [11000]])
def test_writes_in_bulk_that_are_stored_but_not_by_a_majority_pass(codes: list[int]) -> None:
    problems = [{"index": index, "code": code} for index, code in enumerate(codes)]
    stored = BulkWriteError({"writeErrors": problems, "writeConcernErrors": [{"code": 64}]})
    assert is_transient(stored) == (not codes)
