#!/usr/bin/env python3
"""Verifies a bundle of a boxoffice log, by docs/LOG-FORMAT.md and nothing else.

    verify_bundle.py BUNDLE

Prints one line of JSON: {"verdict": "verified", "events", "position", "hash"}, or {"verdict": "broken", "position", "reason"}
with the first position that is not as it was recorded (null if it is not about an event). Needs Python 3.11 and, for zstd, the
module `zstandard` or Python 3.14.
"""

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

    def __init__(self, position, reason):
        super().__init__(reason)
        self.position, self.reason = position, reason


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
    except Exception as error:  # each library has exceptions of its own
        return bytes(text), f"cannot be decompressed ({error})"
    return bytes(text), None


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


def verify(bundle):
    manifest = json.loads(bundle.read("manifest.json"))
    if manifest["format"] != FORMAT:
        raise SystemExit(f"the format is {manifest['format']}, and only {FORMAT} is known here")
    names = bundle.names()
    position, value, time = 0, bytes(32), None
    for entry in manifest["segments"]:
        file, start = entry["file"], position
        if file != f"segments/{entry['first']:020}.ndjson.zst":
            raise SystemExit(f"{file} is no segment's name")
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
    return {"verdict": "verified", "events": position, "position": position, "hash": value.hex()}


def main():
    path = Path(sys.argv[1])
    bundle = Folder(path) if path.is_dir() else Tar(path)
    try:
        verdict = verify(bundle)
    except Broken as broken:
        verdict = {"verdict": "broken", "position": broken.position, "reason": broken.reason}
    print(json.dumps(verdict))
    return 0 if verdict["verdict"] == "verified" else 1


if __name__ == "__main__":
    sys.exit(main())
