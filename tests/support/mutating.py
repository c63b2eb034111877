"""Damage to bytes, and how much memory reading it may take."""

import random

MEGABYTES = 200.0


def mutate(data: bytes, chance: random.Random) -> bytes:
    """A few bytes flipped, cut out, doubled, or put in from elsewhere."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(whole) + 1)
        length = chance.choice((1, 1, 2, 8, 200))
        match chance.randrange(4):
            case 0 if place < len(whole):
                whole[place] ^= 1 << chance.randrange(8)
            case 1:
                del whole[place : place + length]
            case 2:
                whole[place:place] = whole[place : place + length] * chance.choice((1, 3, 50))
            case _:
                whole[place:place] = chance.choice(
                    (b"&a *a", b"[" * 30, b"!!x ", b"\x00", b"1e999")
                )
    return bytes(whole)
