"""What a person is told when something could not be brought up: sentences, never stack traces."""


class CannotStart(Exception):  # noqa: N818 - it says what is the case
    """A sentence that says what failed, why, and where to look."""


class Unsupported(CannotStart):
    """A machine that cannot run the embedded servers; the sentence names the other ways."""

    def __init__(self, found: str) -> None:
        super().__init__(
            "Candor brings its own Kafka and MongoDB on x86-64 Linux with glibc and OpenSSL 3 only "
            f"({found}): start Docker, or name running servers with CANDOR_KAFKA and CANDOR_MONGO."
        )
