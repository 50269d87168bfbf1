"""A conformance test suite for POP3 servers."""

__version__ = "0.1.0"
