"""`python -m conformance` is `pop3-conformance`."""

from conformance.cli import main

main()
