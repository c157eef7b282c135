"""``python -m deploy.stub_images``: build the stub images that aren't there yet."""

import argparse
import sys
from collections.abc import Sequence

from deploy.local.failures import CannotStart
from deploy.stub_images import images


def main(arguments: Sequence[str] | None = None) -> int:
    """Build them; a failure is a sentence on standard error and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.stub_images", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(images.NAMES)}; all unless given")
    parser.add_argument("--again", action="store_true", help="also those that are there")
    parsed = parser.parse_args(arguments)
    try:
        images.build(parsed.names or images.NAMES, again=parsed.again)
    except CannotStart as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
