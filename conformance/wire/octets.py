"""Octets made visible: printable ASCII as it is, everything else escaped."""

_ESCAPES = {code: f"\\x{code:02x}" for code in range(256)}
_ESCAPES |= {code: chr(code) for code in range(0x20, 0x7F)}
_ESCAPES |= {ord("\\"): "\\\\", ord("\r"): "\\r", ord("\n"): "\\n", ord("\t"): "\\t"}


def visible(octets: bytes, limit: int = 400) -> str:
    """Return `octets` as printable ASCII, with the middle left out when there are more than `limit` of them."""
    if len(octets) > limit:
        left_out = len(octets) - limit
        head, tail = octets[: limit * 3 // 4], octets[len(octets) - limit // 4 :]
        return f"{_escaped(head)} [... {left_out} octets ...] {_escaped(tail)}"
    return _escaped(octets)


def _escaped(octets: bytes) -> str:
    return octets.decode("latin-1").translate(_ESCAPES)
