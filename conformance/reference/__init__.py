"""The embedded POP3 server: the conforming one, its faults and its lawful variants.

It shares no parser with `conformance.wire`: a bug in a shared one would hide itself.
"""
