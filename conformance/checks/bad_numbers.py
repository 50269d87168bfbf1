"""Arguments that are no message-number of a maildrop with three messages (RFC 1939 sections 4 and 5)."""

NO_SUCH_MESSAGE = {
    "zero": "0",
    "one_more_than_there_are": "4",
    "2_to_the_16_plus_1": str(2**16 + 1),
    "2_to_the_31": str(2**31),
    "2_to_the_32_plus_1": str(2**32 + 1),
    "2_to_the_64_plus_1": str(2**64 + 1),
    "forty_nines": "9" * 40,
}
"""Numbers, in decimal, that no message has; the large ones would wrap around in integers of a fixed size."""

BAD_NUMBERS = {
    **NO_SUCH_MESSAGE,
    "negative": "-1",
    "plus_sign": "+1",
    "fraction": "1.5",
    "exponent": "1e0",
    "hexadecimal": "0x1",
    "digit_and_letter": "1x",
    "digit_and_suffix": "1L",
    "underscore": "0_1",
    "number_sign": "#1",
    "letters": "abc",
    "list": "1,2",
    "range": "1-2",
    "asterisk": "*",
}
"""These, and what is no number at all."""
