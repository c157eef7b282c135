"""What a person reads when something could not be started: sentences, never stack traces."""

from errno import EEXIST, ENOSPC, ENOTDIR

from deploy.local import cache


class CannotStart(Exception):
    """A sentence of what failed, why, and where to look."""


class Unsupported(CannotStart):
    """A machine that cannot run the embedded servers; the sentence names the other ways."""

    def __init__(self, found: str) -> None:
        super().__init__(
            "Candor brings its own Kafka and MongoDB on x86-64 Linux with glibc and OpenSSL 3 only "
            f"({found}): start Docker, or name running servers with CANDOR_KAFKA and CANDOR_MONGO."
        )


def sentence(error: BaseException) -> str:
    """The sentence for `error`: for a file or folder that can't be used, which and what to do."""
    if not isinstance(error, OSError) or (error.filename is None and error.errno != ENOSPC):
        return str(error)
    where = f"{error.filename}: " if error.filename is not None else ""
    remedy = "make them writable, or free space"
    if error.errno in {EEXIST, ENOTDIR}:
        remedy = "move away the file that is where a folder has to be"
    return (
        f"{where}{error.strerror}. Candor writes to .candor and .venv in its own folder, and keeps what it "
        f"downloads in {cache.cache_folder()} (CANDOR_CACHE names another folder): {remedy}."
    )
