#!/usr/bin/env python3
"""Verifies a bundle of a boxoffice log, by docs/LOG-FORMAT.md and nothing else.

    verify_bundle.py BUNDLE [--key KEY] [--checkpoint FILE]...

Prints one line of JSON: {"verdict": "verified", "events", "position", "hash", "signed"}, or {"verdict": "broken", "position",
"up_to", "reason"} with the first position that is not as it was recorded (null if it is not about an event); with `up_to`, it lies
somewhere from the one to the other. `signed` is the size of the last checkpoint that agrees, or null. Needs Python 3.11 and, for zstd, the module `zstandard` or Python 3.14.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import tarfile
from pathlib import Path

FORMAT = "boxoffice/bundle/1"
TAG = b"boxoffice/event/1\x00"
NUMBER = rb"(0|[1-9][0-9]*)"
NAME = rb'"([^"\\\x00-\x1f]*)"'
LINE = re.compile(
    rb'\{"position":' + NUMBER + rb',"aggregate_type":' + NAME + rb',"aggregate_id":' + NAME + rb',"sequence":' + NUMBER
    + rb',"event_type":' + NAME + rb',"event_version":' + NAME + rb',"recorded_at_us":(-?[1-9][0-9]*|0),"hash":"([0-9a-f]{64})"'
    + rb',"metadata_bytes":' + NUMBER + rb',"payload_bytes":' + NUMBER + rb',"metadata":'
)
BETWEEN = b',"payload":'


class Broken(Exception):
    """The first thing that is wrong."""

    def __init__(self, position, reason, up_to=None):
        super().__init__(reason)
        self.position, self.reason, self.up_to = position, reason, up_to


def sha256(data):
    return hashlib.sha256(data).digest()


def u64(number):
    return struct.pack(">Q", number)


def lp(text):
    return u64(len(text)) + text


def decompress(data):
    """The text, and why it could not be read to its end, if so."""
    text = bytearray()
    try:
        try:
            import zstandard

            rest = data
            while rest:
                decoder = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
                text += decoder.decompress(rest)
                if not decoder.eof:
                    return bytes(text), "ends in the middle"
                rest = decoder.unused_data
        except ImportError:
            from compression import zstd

            text += zstd.decompress(data)
    except ImportError:
        raise SystemExit("this needs the module `zstandard`, or Python 3.14")
    except Exception as error:  # each library has exceptions of its own
        return bytes(text), f"cannot be decompressed ({error})"
    return bytes(text), None


# Ed25519, RFC 8032, section 5.1.7: the group of the curve in extended coordinates.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point(data):
    """A point from its 32 bytes, if they are one's."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else P - x, y, 1, (x if x & 1 == sign else P - x) * y % P)


def add(left, right):
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c, d = 2 * left[3] * right[3] * D % P, 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, base):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, base)
        base, number = add(base, base), number >> 1
    return result


BASE = point(bytes.fromhex("58" + "66" * 31))


def is_small(one):
    """Whether the point's order is at most 8."""
    x, y, z, _ = times(8, one)
    return x % P == 0 and (y - z) % P == 0


def is_signed(key, message, signature):
    r, s, public = point(signature[:32]), int.from_bytes(signature[32:], "little"), point(key)
    if len(signature) != 64 or r is None or public is None or s >= ORDER or is_small(r) or is_small(public):
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = times(s, BASE), add(r, times(challenge, public))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


class Key:
    """A verifier key: `<name>+<id>+<base64 of 0x01 and the public key>`."""

    def __init__(self, text):
        self.name, identity, encoded = text.strip().split("+", 2)
        kind, self.key = base64.b64decode(encoded)[:1], base64.b64decode(encoded)[1:]
        self.id = sha256(self.name.encode() + b"\n" + kind + self.key)[:4]
        if kind != b"\x01" or self.id.hex() != identity:
            raise ValueError("this is no key of a log")

    def open(self, note):
        """The size and the root that the owner of the key signed; a ValueError if it is not so."""
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        for line in signatures.splitlines():
            name, encoded = line.removeprefix("\u2014 ").split(" ")
            signature = base64.b64decode(encoded)
            if name == self.name and signature[:4] == self.id and is_signed(self.key, text.encode(), signature[4:]):
                origin, size, root = text.split("\n")[:3]
                if origin == self.name:
                    return int(size), base64.b64decode(root)
        raise ValueError("the checkpoint is not signed with this key")


class Tree:
    """The Merkle tree of RFC 6962: its perfect subtrees, from the largest to the smallest."""

    def __init__(self):
        self.size, self.nodes = 0, []

    def push(self, leaf):
        size = self.size
        while size & 1:
            leaf, size = sha256(b"\x01" + self.nodes.pop() + leaf), size >> 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self):
        root = None
        for node in reversed(self.nodes):
            root = node if root is None else sha256(b"\x01" + node + root)
        return sha256(b"") if root is None else root


class Folder:
    def __init__(self, path):
        self.path = path

    def names(self):
        return {str(file.relative_to(self.path)) for file in self.path.rglob("*") if file.is_file()}

    def read(self, name):
        return (self.path / name).read_bytes()


class Tar:
    def __init__(self, path):
        self.tar = tarfile.open(path, "r:")

    def names(self):
        return {member.name for member in self.tar if member.isfile()}

    def read(self, name):
        return self.tar.extractfile(name).read()


def read_line(line, position):
    found = LINE.match(line)
    if not found:
        raise Broken(position, "the line is not written as the format says")
    at, metadata_bytes, payload_bytes = found.end(), int(found[9]), int(found[10])
    metadata = line[at : at + metadata_bytes]
    rest = line[at + metadata_bytes :]
    payload = rest[len(BETWEEN) : len(BETWEEN) + payload_bytes]
    if rest != BETWEEN + payload + b"}" or (len(metadata), len(payload)) != (metadata_bytes, payload_bytes):
        raise Broken(position, "the line is not written as the format says")
    encoding = (
        TAG + u64(int(found[1])) + lp(found[2]) + lp(found[3]) + u64(int(found[4])) + lp(found[5]) + lp(found[6])
        + struct.pack(">q", int(found[7])) + sha256(payload) + sha256(metadata)
    )
    return int(found[1]), int(found[7]), sha256(b"\x00" + encoding), bytes.fromhex(found[8].decode())


class Signed:
    """Every checkpoint there is, held against the tree as it grows."""

    def __init__(self, bundle, names, key, given):
        # What is wrong with the bundle's key or checkpoints: said if nothing else is.
        self.flaw, self.tree, self.agreed = None, Tree(), None
        self.key = key or (self.own_key(bundle) if "key.txt" in names else None)
        if given and self.flaw:
            raise self.flaw
        if given and not self.key:
            raise SystemExit("a checkpoint was given, and no key to check it with")
        due = [self.key.open(note) for note in given]
        if self.key and "checkpoints.ndjson.zst" in names:
            due += self.of_the_bundle(bundle)
        # The smallest is taken first, from the end.
        self.due = sorted(due, key=lambda signed: signed[0], reverse=True)
        self.compare()

    def own_key(self, bundle):
        try:
            return Key(bundle.read("key.txt").decode())
        except ValueError as error:
            self.flaw = Broken(None, f"key.txt: {error}")

    def of_the_bundle(self, bundle):
        """Those before the first that is none."""
        text, trouble = decompress(bundle.read("checkpoints.ndjson.zst"))
        *lines, rest = text.split(b"\n")
        found, last = [], 0
        for line in lines:
            try:
                told = json.loads(line)
                size, root = self.key.open(told["note"])
            except (ValueError, KeyError, TypeError) as error:
                self.flaw = Broken(None, f"checkpoints.ndjson.zst: {error}")
                return found
            if size != told["size"] or size < last:
                self.flaw = Broken(None, "checkpoints.ndjson.zst: a checkpoint is not in its place")
                return found
            found.append((size, root))
            last = size
        if trouble or rest:
            self.flaw = Broken(None, f"checkpoints.ndjson.zst {trouble or 'ends in the middle of a line'}")
        return found

    def push(self, leaf):
        self.tree.push(leaf)
        self.compare()

    def compare(self):
        while self.due and self.due[-1][0] == self.tree.size:
            size, root = self.due.pop()
            if root != self.tree.root():
                first = (self.agreed or 0) + 1
                up_to = size if size > first else None
                raise Broken(first, f"the first {size} events are not those that were signed", up_to)
            self.agreed = size

    def finish(self):
        if self.due:
            raise Broken(self.tree.size + 1, f"{self.due[0][0]} events were signed, and the log ends at {self.tree.size}")


def verify(bundle, key, given):
    manifest = json.loads(bundle.read("manifest.json"))
    if manifest["format"] != FORMAT:
        raise SystemExit(f"the format is {manifest['format']}, and only {FORMAT} is known here")
    names = bundle.names()
    signed = Signed(bundle, names, key, given)
    position, value, time = 0, bytes(32), None
    for entry in manifest["segments"]:
        file, start = entry["file"], position
        if file != f"segments/{entry['first']:020}.ndjson.zst":
            raise SystemExit(f"{file} is no segment's name")
        if entry["first"] != position + 1:
            raise Broken(position + 1, f"the manifest has {file} begin at {entry['first']}")
        if file not in names:
            raise Broken(position + 1, f"{file} is missing")
        data = bundle.read(file)
        text, trouble = decompress(data)
        *lines, rest = text.split(b"\n")
        for line in lines:
            found, recorded_at, leaf, told = read_line(line, position + 1)
            if found != position + 1:
                raise Broken(position + 1, f"the log goes on at {found}")
            link = sha256(b"\x02" + value + leaf)
            if link != told:
                raise Broken(position + 1, "the event is not what was recorded")
            if time is not None and recorded_at < time:
                raise Broken(position + 1, "it was recorded before the event that precedes it")
            signed.push(leaf)
            position, value, time = found, link, recorded_at
        if trouble or rest:
            raise Broken(position + 1, f"{file} {trouble or 'ends in the middle of a line'}")
        if position < entry["last"]:
            raise Broken(position + 1, f"{file} should go on up to {entry['last']}")
        if (position, value.hex()) != (entry["last"], entry["hash"]):
            raise Broken(min(position, entry["last"]), f"the manifest has another end of {file}")
        listed = (entry["events"], entry["text_bytes"], entry["bytes"], entry["sha256"])
        if listed != (position - start, len(text), len(data), sha256(data).hex()):
            raise Broken(entry["first"], f"{file} is not the file that the manifest lists")
    signed.finish()
    head = manifest["head"]
    if (position, value.hex()) != (head["position"], head["hash"]):
        raise Broken(min(position, head["position"]) + 1, "the manifest has the log end elsewhere")
    if manifest["events"] != position:
        raise Broken(None, "the manifest counts otherwise")
    for entry in manifest["files"]:
        if entry["file"] not in names:
            raise Broken(None, f"{entry['file']} is missing")
        data = bundle.read(entry["file"])
        if (len(data), sha256(data).hex()) != (entry["bytes"], entry["sha256"]):
            raise Broken(None, f"{entry['file']} is not the file that the manifest lists")
    listed = {"manifest.json"} | {entry["file"] for entry in manifest["segments"] + manifest["files"]}
    for name in sorted(names - listed):
        raise Broken(None, f"{name} is not listed by the manifest")
    if signed.flaw:
        raise signed.flaw
    return {"verdict": "verified", "events": position, "position": position, "hash": value.hex(), "signed": signed.agreed}


def main():
    parser = argparse.ArgumentParser(description="Verifies a bundle of a boxoffice log.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", help="the log's public key, instead of the one in the bundle")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="a checkpoint that was kept from before")
    arguments = parser.parse_args()
    bundle = Folder(arguments.bundle) if arguments.bundle.is_dir() else Tar(arguments.bundle)
    given = [file.read_text() for file in arguments.checkpoint]
    try:
        verdict = verify(bundle, Key(arguments.key) if arguments.key else None, given)
    except Broken as broken:
        verdict = {"verdict": "broken", "position": broken.position, "up_to": broken.up_to, "reason": broken.reason}
    print(json.dumps(verdict))
    return 0 if verdict["verdict"] == "verified" else 1


if __name__ == "__main__":
    sys.exit(main())
