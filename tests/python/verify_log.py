#!/usr/bin/env python3
"""Checks an audit log, or writes a small one, from the documents of C2SP alone.

signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles; RFC 6962 for the tree.

    python verify_log.py verify DIR --log VKEY [--witness VKEY ...]
    python verify_log.py write DIR --origin NAME --witness NAME --leaves N

`verify` checks the checkpoint's signature, one cosignature of each witness that is
named, every entry bundle and every tile of the checkpoint's size, and that the root
follows from the entries. Exit status 0 only when everything holds. `write` prints the
two keys that its log is to be checked with.
"""

import argparse
import base64
import hashlib
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

LOG_SIGNATURE = 0x01
COSIGNATURE = 0x04
WIDTH = 256


class Refused(Exception):
    """Something does not hold."""


def require(condition, sentence):
    """Ends the run with a sentence unless the condition holds."""
    if not condition:
        raise Refused(sentence)


# Signed notes


def key_id(name, kind, raw):
    """The first 4 bytes of SHA-256(name, newline, kind, key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]


class Verifier:
    """A verifier key: NAME+ID+BASE64."""

    def __init__(self, vkey, kind):
        self.name, wanted_id, encoded = vkey.split("+", 2)
        decoded = base64.b64decode(encoded, validate=True)
        require(decoded[0] == kind, f"{self.name} is a key of another kind")
        self.kind, raw = kind, decoded[1:]
        self.id = key_id(self.name, kind, raw)
        require(self.id.hex() == wanted_id, f"the id of {self.name} is not that of its key")
        self.key = Ed25519PublicKey.from_public_bytes(raw)

    def signed(self, note):
        """Checks the signatures of this key; whether there is one."""
        found = [sig for name, sig in note.signatures if name == self.name and sig[:4] == self.id]
        for signature in found:
            message, signature = self.message(note.text, signature[4:])
            try:
                self.key.verify(signature, message)
            except InvalidSignature:
                raise Refused(f"a signature of {self.name} does not verify") from None
        return bool(found)

    def message(self, text, signature):
        """What is signed, and the signature proper."""
        if self.kind == LOG_SIGNATURE:
            return text.encode(), signature
        require(len(signature) == 72, "a cosignature is 8 bytes of time and 64 of signature")
        (time,) = struct.unpack(">Q", signature[:8])
        return f"cosignature/v1\ntime {time}\n{text}".encode(), signature[8:]


class Note:
    """Text and signature lines, read and not yet believed."""

    def __init__(self, data):
        note = data.decode("utf-8")
        require(all(c == "\n" or ord(c) >= 32 for c in note), "control characters in the note")
        at = note.rfind("\n\n")
        require(at >= 0 and note.endswith("\n"), "no note")
        self.text, lines = note[: at + 1], note[at + 2 : -1].split("\n")
        self.signatures = []
        for line in lines:
            dash, name, encoded = line.split(" ")
            require(dash == "\u2014" and name and "+" not in name, "no signature line")
            self.signatures.append((name, base64.b64decode(encoded, validate=True)))


def read_checkpoint(text):
    """Origin, size and root of a checkpoint."""
    lines = text.split("\n")
    require(len(lines) == 4 and lines[3] == "", "a checkpoint has three lines")
    origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    require(str(size) == lines[1], "the size is not in its one form")
    require(len(root) == 32, "the root has not 32 bytes")
    return origin, size, root


# The tree (RFC 6962)


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes):
    """MTH over hashes of leaves."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(root_of(hashes[:half]), root_of(hashes[half:]))


# Tiles


def tile_path(level, index, width):
    """tile/<level>/<index>[.p/<width>], the index in groups of three digits."""
    digits = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        digits = f"x{index % 1000:03}/{digits}"
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{digits}{partial}"


def tiles(level_size):
    """Index and width of each tile of a level with so many nodes."""
    full, rest = divmod(level_size, WIDTH)
    return [(index, WIDTH) for index in range(full)] + ([(full, rest)] if rest else [])


def entries_of(data):
    """The entries of a bundle."""
    entries = []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        require(len(data) >= 2 + length, "a bundle ends within an entry")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


def above(hashes):
    """Hashes of the next level of tiles: roots of whole runs of 256."""
    return [root_of(hashes[at : at + WIDTH]) for at in range(0, len(hashes) // WIDTH * WIDTH, WIDTH)]


def verify(folder, log, witnesses):
    """Checks everything; the number of leaves and of files looked at."""
    note = Note((folder / "checkpoint").read_bytes())
    key = Verifier(log, LOG_SIGNATURE)
    origin, size, root = read_checkpoint(note.text)
    require(origin == key.name, f"the checkpoint is of {origin}")
    require(key.signed(note), "the checkpoint is not signed by its log")
    for witness in witnesses:
        require(Verifier(witness, COSIGNATURE).signed(note), f"not cosigned by {witness}")
    leaves, files = [], 1
    for index, width in tiles(size):
        entries = entries_of((folder / tile_path("entries", index, width)).read_bytes())
        require(len(entries) == width, f"bundle {index} has {len(entries)} entries")
        leaves += entries
        files += 1
    hashes, level = [leaf_hash(leaf) for leaf in leaves], 0
    require(root_of(hashes) == root, "the root does not follow from the entries")
    while hashes:
        for index, width in tiles(len(hashes)):
            data = (folder / tile_path(level, index, width)).read_bytes()
            wanted = b"".join(hashes[index * WIDTH : index * WIDTH + width])
            require(data == wanted, f"{tile_path(level, index, width)} has other hashes")
            files += 1
        hashes, level = above(hashes), level + 1
    return size, files


# Writing


def write(folder, origin, witness, count):
    """Writes a log of `count` leaves with new keys; gives the two verifier keys."""

    def put(path, data):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)

    def make(name, kind):
        key = Ed25519PrivateKey.generate()
        raw = key.public_key().public_bytes_raw()
        encoded = base64.b64encode(bytes([kind]) + raw).decode()
        vkey = f"{name}+{key_id(name, kind, raw).hex()}+{encoded}"
        return key, key_id(name, kind, raw), vkey

    def line(name, identifier, signature):
        return f"\u2014 {name} {base64.b64encode(identifier + signature).decode()}\n"

    leaves = [f"leaf {number}".encode() for number in range(count)]
    for index, width in tiles(count):
        entries = leaves[index * WIDTH : index * WIDTH + width]
        bundle = b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in entries)
        put(tile_path("entries", index, width), bundle)
    hashes, level = [leaf_hash(leaf) for leaf in leaves], 0
    root = root_of(hashes)
    while hashes:
        for index, width in tiles(len(hashes)):
            put(tile_path(level, index, width), b"".join(hashes[index * WIDTH :][:width]))
        hashes, level = above(hashes), level + 1
    text = f"{origin}\n{count}\n{base64.b64encode(root).decode()}\n"
    log_key, log_id, log_vkey = make(origin, LOG_SIGNATURE)
    witness_key, witness_id, witness_vkey = make(witness, COSIGNATURE)
    time = 1_700_000_000
    cosigned = witness_key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    note = text + "\n" + line(origin, log_id, log_key.sign(text.encode()))
    note += line(witness, witness_id, struct.pack(">Q", time) + cosigned)
    put("checkpoint", note.encode())
    return log_vkey, witness_vkey


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    actions = parser.add_subparsers(dest="action", required=True)
    checking = actions.add_parser("verify")
    checking.add_argument("folder", type=pathlib.Path)
    checking.add_argument("--log", required=True)
    checking.add_argument("--witness", action="append", default=[])
    writing = actions.add_parser("write")
    writing.add_argument("folder", type=pathlib.Path)
    writing.add_argument("--origin", required=True)
    writing.add_argument("--witness", required=True)
    writing.add_argument("--leaves", type=int, required=True)
    args = parser.parse_args()
    if args.action == "write":
        for vkey in write(args.folder, args.origin, args.witness, args.leaves):
            print(vkey)
        return 0
    try:
        size, files = verify(args.folder, args.log, args.witness)
    except (Refused, ValueError, struct.error, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    print(f"ok {size} leaves in {files} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
