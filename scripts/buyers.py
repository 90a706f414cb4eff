"""Buyers who do not let go, for scripts/patroni-failover: each asks for one seat after another, with the same key at one node after the
other until it is told it has it, and writes down what it was told.

    buyers.py ACKNOWLEDGED STOP GAP NODE...     until the file STOP is there; the longest time without an answer goes to GAP
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

BUYERS, ROOMS, PAUSE_SECONDS, RETRY_SECONDS, ANSWER_SECONDS = 20, 400, 0.1, 0.1, 20
acknowledged, stop, gap, *nodes = sys.argv[1:]
lock, answered = threading.Lock(), []


def token(*words):
    run = subprocess.run(["boxoffice", "token", *words], check=True, capture_output=True, text=True)
    return run.stdout.strip()


def call(node, who, method, path, body, key=None):
    """Status, answer and position; status 0 if there was none."""
    request = urllib.request.Request(node + path, json.dumps(body).encode(), method=method)
    request.add_header("Authorization", f"Bearer {who}")
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Idempotency-Key", key)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, json.load(answer), answer.headers.get("Log-Position")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), None
    except (OSError, ValueError):
        return 0, None, None


def must(*words, **options):
    status, answer, _ = call(nodes[0], *words, **options)
    assert 200 <= status < 300, (status, answer)
    return answer


def open_shop():
    admin, host = token("--user", "ada", "--role", "admin"), token("--user", "hedy")
    host_id = must(host, "PUT", "/v1/me/host_application", {})["user_id"]
    must(host, "PUT", "/v1/me/payout_destination", {"destination": "acct_hedy"})
    must(admin, "POST", f"/v1/hosts/{host_id}/approve", {})
    starts_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
    room = {"title": "Rush", "description": "", "language": "en", "starts_at": starts_at, "planned_minutes": 60,
            "price": {"amount_minor": 1000, "currency": "USD"}, "capacity": BUYERS}
    return [must(host, "POST", "/v1/rooms", room, key=f"the-room-{nth}")["id"] for nth in range(ROOMS)]


def buy(nth, who, rooms):
    for turn, room in enumerate(rooms):
        tries = nth
        while True:
            if os.path.exists(stop):
                return
            status, ticket, position = call(nodes[tries % len(nodes)], who, "POST", f"/v1/rooms/{room}/tickets", {}, key=f"the-seat-{turn}")
            if status == 201:
                break
            assert status in (0, 429, 503), (status, ticket)
            tries += 1
            time.sleep(RETRY_SECONDS)
        line = {"ticket_id": ticket["id"], "room_id": room, "kind": "hold"} | ({"position": int(position)} if position else {})
        with lock, open(acknowledged, "a") as file:
            file.write(json.dumps(line) + "\n")
            answered.append(time.monotonic())
        time.sleep(PAUSE_SECONDS)


rooms = open_shop()
people = [token("--user", f"buyer{nth}") for nth in range(BUYERS)]
threads = [threading.Thread(target=buy, args=(nth, who, rooms)) for nth, who in enumerate(people)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
longest = max(after - before for before, after in zip(answered, answered[1:]))
with open(gap, "w") as file:
    file.write(f"{len(answered)} holds acknowledged, the longest time without one was {longest:.1f} s\n")
