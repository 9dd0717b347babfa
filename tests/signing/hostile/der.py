"""A DER tree that can be bent: elements by place, other tags, lengths, orders, copies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Element:
    """One element: its tag's bytes and either its content or what is inside."""

    tag: bytes
    content: bytes = b""
    inside: tuple[Element, ...] | None = field(default=None)

    def __bytes__(self):
        body = self.content if self.inside is None else b"".join(map(bytes, self.inside))
        return self.tag + length_of(len(body)) + body


def length_of(size):
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x80 | len(digits)]) + digits


def parse(data):
    """The first element, and what follows it."""
    element, end = _read(data, 0)
    return element, data[end:]


def _read(data, at):
    tag_end = at + 1
    if data[at] & 0x1F == 0x1F:
        while data[tag_end] & 0x80:
            tag_end += 1
        tag_end += 1
    size, body = data[tag_end], tag_end + 1
    if size & 0x80:
        body += size & 0x7F
        size = int.from_bytes(data[tag_end + 1 : body])
    end = body + size
    if end > len(data):
        raise ValueError("cut short")
    tag = data[at:tag_end]
    if not data[at] & 0x20:
        return Element(tag, data[body:end]), end
    inside = []
    while body < end:
        element, body = _read(data, body)
        inside.append(element)
    return Element(tag, inside=tuple(inside)), end


def places(element, path=()):
    """The paths of all elements, the root's () first."""
    yield path
    for number, one in enumerate(element.inside or ()):
        yield from places(one, (*path, number))


def at(element, path):
    for number in path:
        element = element.inside[number]
    return element


def put(element, path, new):
    """The tree with ``new`` (elements) at a path in place of what was there."""
    if not path:
        return new[0] if new else Element(b"\x05")
    number, *rest = path
    changed = (put(element.inside[number], rest, new),) if rest else tuple(new)
    inside = element.inside[:number] + changed + element.inside[number + 1 :]
    return replace(element, inside=inside)


TAGS = (b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x0c", b"\x17", b"\x18", b"\x30", b"\x31",
        b"\x80", b"\xa0", b"\xa1", b"\xa2", b"\x1f\x81\x01", b"\x24", b"\x01")  # fmt: skip


def mutated(data, rng):
    """The same message with one to three changes, as bytes, and the changes' names."""
    tree, _ = parse(data)
    names = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        name = rng.choice([*TREE_CHANGES])
        below = [*places(tree)][1:]
        if not below:
            break
        path = rng.choice(below)
        tree = TREE_CHANGES[name](tree, path, rng)
        names.append((name, path))
    made = bytes(tree)
    if rng.random() < 0.2:
        name = rng.choice([*BYTE_CHANGES])
        made = BYTE_CHANGES[name](made, rng)
        names.append((name, ()))
    return made, names


def _drop(tree, path, rng):
    return put(tree, path, [])


def _double(tree, path, rng):
    return put(tree, path, [at(tree, path)] * rng.choice([2, 2, 3, 40]))


def _retag(tree, path, rng):
    return put(tree, path, [replace(at(tree, path), tag=rng.choice(TAGS))])


def _flip(tree, path, rng):
    one = at(tree, path)
    if one.inside is not None or not one.content:
        return _drop(tree, path, rng)
    body = bytearray(one.content)
    body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return put(tree, path, [replace(one, content=bytes(body))])


def _resize(tree, path, rng):
    one = at(tree, path)
    if one.inside is not None:
        return put(tree, path, [replace(one, inside=one.inside[: rng.randrange(3)])])
    made = rng.choice([b"", one.content[:-1], one.content + b"\0", b"\0" + one.content,
                       b"\xff" * 70, one.content * 2])  # fmt: skip
    return put(tree, path, [replace(one, content=made)])


def _exchange(tree, path, rng):
    other = rng.choice([*places(tree)][1:])
    if path[: len(other)] == other or other[: len(path)] == path:
        return _double(tree, path, rng)
    one, two = at(tree, path), at(tree, other)
    return put(put(tree, path, [two]), other, [one])


def _transplant(tree, path, rng):
    return put(tree, path, [at(tree, rng.choice([*places(tree)][1:]))])


def _turn_round(tree, path, rng):
    above = at(tree, path[:-1])
    turned = replace(above, inside=above.inside[::-1])
    return put(tree, path[:-1], [turned])


def _wrap(tree, path, rng):
    one = at(tree, path)
    depth = rng.choice([1, 2, 60])
    for _ in range(depth):
        one = Element(rng.choice([b"\x30", b"\x31", b"\xa0"]), inside=(one,))
    return put(tree, path, [one])


TREE_CHANGES = {
    "drop": _drop,
    "double": _double,
    "retag": _retag,
    "flip": _flip,
    "resize": _resize,
    "exchange": _exchange,
    "transplant": _transplant,
    "turn round": _turn_round,
    "wrap": _wrap,
}


def _cut(made, rng):
    return made[: rng.randrange(len(made))]


def _noise(made, rng):
    body = bytearray(made)
    for _ in range(rng.choice([1, 2, 8])):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def _long_length(made, rng):
    """A length that claims gigabytes."""
    return (
        made[:1] + rng.choice([b"\x84\xff\xff\xff\xff", b"\x80", b"\x88" + b"\xff" * 8]) + made[4:]
    )


BYTE_CHANGES = {"cut": _cut, "noise": _noise, "long length": _long_length}
