"""One clear line for what goes wrong in a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.verdict import BenchError


@contextmanager
def store_errors(store: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a `BenchError` of one line; `store` says what is at `path`, as in "Maildir"."""
    try:
        yield
    except OSError as error:
        # The file that the error is about, where it is another one than the store as a whole.
        about = f" ({error.filename})" if error.filename not in (None, str(path)) else ""
        raise BenchError(
            f"cannot seed the {store} {path}: {error.strerror or error}{about}; "
            "correct the path in the profile, or run as a user who may write there"
        ) from error
