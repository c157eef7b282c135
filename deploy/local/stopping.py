"""Ends what a launcher started, and what one that crashed left; imports little, so that it is quick."""

from pathlib import Path

from rich.console import Console

from deploy.local import process

FOLDER = Path(__file__).parents[2] / ".candor"
LAUNCHER_TIMEOUT = 90.0


def launcher_file(folder: Path) -> Path:
    """The pid file of the launcher, which also holds where everything is."""
    return folder / "run" / "launcher.json"


def stop(folder: Path, console: Console) -> int:
    """End the launcher of this data folder and whatever one that crashed left behind."""
    folder = folder.resolve()
    ended = process.end_remembered(launcher_file(folder), LAUNCHER_TIMEOUT)
    ended = end_leftovers(folder) or ended
    console.print("Stopped." if ended else "Nothing is running.")
    return 0


def end_leftovers(folder: Path) -> bool:
    """End what pid files of this data folder still name. Returns whether there was anything."""
    files = [path for path in (folder / "run").glob("*.json") if path != launcher_file(folder)]
    ended = [process.end_remembered(path) for path in files]
    for path in (folder / "run").glob("*.container"):
        from deploy.local import containers  # noqa: PLC0415 - brings the clients of both servers: a second

        ended.append(containers.remove_remembered(path))
    return any(ended)
