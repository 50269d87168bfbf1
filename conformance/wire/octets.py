"""Octets made visible: printable ASCII as it is, everything else escaped."""

_ESCAPES = {code: f"\\x{code:02x}" for code in range(256)}
_ESCAPES |= {code: chr(code) for code in range(0x20, 0x7F)}
_ESCAPES |= {ord("\\"): "\\\\", ord("\r"): "\\r", ord("\n"): "\\n", ord("\t"): "\\t"}


def visible(octets: bytes, limit: int = 400) -> str:
    """Return `octets` as printable ASCII, with the middle left out when there are more than `limit` of them."""
    if len(octets) <= limit:
        return _escaped(octets)
    head = limit - limit // 4
    return _escaped(octets[:head]) + cut(len(octets) - limit) + _escaped(octets[len(octets) - limit // 4 :])


def cut(left_out: int, what: str = "octets") -> str:
    """Return the mark that stands where that many were left out."""
    return f" [... {left_out} {what} ...] "


def _escaped(octets: bytes) -> str:
    return octets.decode("latin-1").translate(_ESCAPES)
