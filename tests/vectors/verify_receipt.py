"""Checks the examples in this folder: events, chain, tree, proofs, checkpoint and receipts.

Written from docs/LOG-FORMAT.md alone, in plain Python without a package, Ed25519 included (RFC 8032, section 6). Slow, and not made for secrets.

    python3 tests/vectors/verify_receipt.py                  # everything in this folder
    python3 tests/vectors/verify_receipt.py FILE KEY         # one receipt
"""

import base64
import datetime
import hashlib
import json
import pathlib
import re
import sys
import uuid

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = decompress(BASE_Y.to_bytes(32, "little"))


def is_signed(public, message, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    for given in (decompress(r), decompress(public)):
        x, y, z, _ = times(8, given)
        if x % P == 0 and (y - z) % P == 0:
            return False  # a point of small order
    challenge = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L
    one, other = times(s, BASE), add(decompress(r), times(challenge, decompress(public)))
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def micros(time):
    moment = datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
    return (moment - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def lp(text):
    data = text.encode()
    return len(data).to_bytes(8, "big") + data


def leaf_of(entry):
    for part in ("payload", "metadata"):
        if part in entry:
            assert sha256(entry[part].encode()).hex() == entry[part + "_sha256"], f"{part} was changed"
    encoding = (
        b"boxoffice/event/1\0"
        + entry["position"].to_bytes(8, "big")
        + lp(entry["aggregate_type"])
        + lp(entry["aggregate_id"])
        + entry["sequence"].to_bytes(8, "big")
        + lp(entry["event_type"])
        + lp(entry["event_version"])
        + micros(entry["recorded_at"]).to_bytes(8, "big", signed=True)
        + bytes.fromhex(entry["payload_sha256"])
        + bytes.fromhex(entry["metadata_sha256"])
    )
    return sha256(b"\0", encoding)


def root_of(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root_of(leaves[:half]), root_of(leaves[half:]))


def path(index, leaves):
    if len(leaves) < 2:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return path(index, leaves[:half]) + [root_of(leaves[half:])]
    return path(index - half, leaves[half:]) + [root_of(leaves[:half])]


def subproof(old, leaves, is_whole):
    if old == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return subproof(old, leaves[:half], is_whole) + [root_of(leaves[half:])]
    return subproof(old - half, leaves[half:], False) + [root_of(leaves[:half])]


def led_to(leaf, index, size, proof):
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    assert index < size, "not in the tree"
    last, node = size - 1, leaf
    for sibling in proof:
        assert last, "the proof is too long"
        if index & 1 or index == last:
            node = sha256(b"\1", sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return node


def parse_key(text):
    name, key_id, encoded = text.split("+", 2)
    data = base64.b64decode(encoded)
    assert sha256(name.encode(), b"\n", data)[:4].hex() == key_id, "the key was copied wrongly"
    return name, bytes.fromhex(key_id), data[0], data[1:]


def open_note(note, key):
    name, key_id, kind, public = parse_key(key)
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        data = base64.b64decode(encoded)
        if dash == "\u2014" and signer == name and data[:4] == key_id:
            message, signature = text, data[4:]
            if kind == 4:
                seconds = int.from_bytes(signature[:8], "big")
                message, signature = f"cosignature/v1\ntime {seconds}\n{text}", signature[8:]
            assert is_signed(public, message.encode(), signature), f"the signature by {name} does not go with the note"
            return text
    raise AssertionError(f"not signed by {name}")


def open_checkpoint(note, key):
    origin, size, root = open_note(note, key).split("\n")[:3]
    assert origin == parse_key(key)[0], "another log's"
    return int(size), base64.b64decode(root)


def verify_receipt(receipt, key):
    assert receipt["format"] == "boxoffice/receipt/1", "another format"
    entry, subject = receipt["entry"], receipt["subject"]
    leaf = leaf_of(entry)
    if subject["kind"] == "ticket":
        of_ticket = entry["aggregate_type"] == "ticket" and entry["aggregate_id"] == subject["ticket_id"]
        if entry["aggregate_type"] == "room":
            assert entry["event_type"] == "seat_held"
            assert json.loads(entry["payload"])["ticket_id"] == subject["ticket_id"], "another ticket's"
        else:
            assert of_ticket and entry["event_type"] in ("ticket_ordered", "ticket_issued", "ticket_transferred")
    else:
        lines = open_note(subject["statement"], key).splitlines()
        assert entry["aggregate_type"] == "room" and entry["aggregate_id"] == subject["room_id"], "another room's"
        assert lines[:5] == [
            "boxoffice/refusal/1",
            f"log {parse_key(key)[0]}",
            f"room {subject['room_id']}",
            f"position {entry['position']}",
            f"sequence {entry['sequence']}",
        ], "the statement is about something else"
        verify_refusal(lines[5:], subject)
    size, root = open_checkpoint(receipt["checkpoint"], key)
    proof = [bytes.fromhex(part) for part in receipt["proof"]]
    assert led_to(leaf, entry["position"] - 1, size, proof) == root, "the event is not in the log of the checkpoint"


def code_hash(room_id, code):
    return sha256(uuid.UUID(room_id).bytes, code.strip().upper().encode())[:8].hex()


def is_exhausted(quota, spoken_for=0):
    seats, _, held, _, sold = quota.split(" ")
    return int(held) + int(sold) + spoken_for >= int(seats)


def verify_refusal(lines, subject):
    """That something had nothing left, by the lines of the statement behind the fifth."""
    seats, waiting, tiers, codes = re.fullmatch(
        r"seats (\d+ held \d+ sold \d+)\n"
        r"(?:waiting (\d+ limit \d+ paid \d+)\n)?"
        r"((?:tier \S+ \d+ held \d+ sold \d+\n)*)"
        r"((?:code \S+ \d+ held \d+ sold \d+\n)?)",
        "".join(line + "\n" for line in lines),
    ).groups()
    if "promo_code" in subject or codes:
        _, code, quota = codes.strip().split(" ", 2)
        assert code == code_hash(subject["room_id"], subject["promo_code"]), "another promo code's"
        assert is_exhausted(quota), "the promo code was not used up"
        return
    in_line, limit, paid = map(int, waiting.split(" ")[::2]) if waiting else (0, 1, 0)
    is_full = in_line >= limit
    of_tiers = [line.split(" ", 2)[2] for line in tiers.splitlines()]
    nothing_left = is_exhausted(seats, in_line + paid) or any(map(is_exhausted, of_tiers))
    assert nothing_left or is_full, "seats were free"


def verify_folder(folder):
    read = lambda name: json.loads((folder / name).read_text())
    keys, tree, chain, leaves = read("keys.json"), read("tree.json"), bytes(32), []
    for event in read("events.json"):
        leaf = leaf_of(event)
        chain = sha256(b"\2", chain, leaf)
        assert (leaf.hex(), chain.hex()) == (event["leaf"], event["hash"]), event["position"]
        leaves.append(leaf)
    for one in tree["roots"]:
        assert root_of(leaves[: one["size"]]).hex() == one["root"], one
    for one in tree["inclusion"]:
        index, size = one["position"] - 1, one["size"]
        assert [part.hex() for part in path(index, leaves[:size])] == one["proof"], one
        proof = [bytes.fromhex(part) for part in one["proof"]]
        assert led_to(leaves[index], index, size, proof) == root_of(leaves[:size]), one
    for one in tree["consistency"]:
        made = subproof(one["from"], leaves[: one["to"]], True) if one["from"] else []
        assert [part.hex() for part in made] == one["proof"], one
    note = (folder / "checkpoint.txt").read_text()
    assert open_checkpoint(note, keys["log"]) == (len(leaves), root_of(leaves))
    open_note(note, keys["witness"])
    for name in ("ticket", "refusal", "full_line", "code"):
        verify_receipt(read(f"receipt_{name}.json"), keys["log"])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        verify_receipt(json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])
    else:
        verify_folder(pathlib.Path(__file__).parent)
    print("verified")
