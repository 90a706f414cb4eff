"""Records the sound of one room of a LiveKit server, as a participant whom nobody sees.

The first line on stdin is a JSON object: {"url": "ws://...", "token": "...", "audio": path, "notes": path}. The end of stdin
stops the recording. Events on stdout, one JSON object a line: recording {started_at_ms} | ended {reason} | refused {message}.

`audio` is a WAV file (PCM, 16 bits, 48 kHz, mono) whose head says no lengths yet: whoever finds it puts them right. It is
locked while it is written. What everybody says is mixed where it belongs in time; silence is written, too. `notes` has a line
for when it began, and one for each time that somebody begins or ceases to speak, in milliseconds from the beginning.
"""

import asyncio
import fcntl
import json
import os
import struct
import sys
import time

import numpy as np
from livekit import rtc

RATE = 48_000
FRAME_MS = 20
# Sound that comes later than this is too late: it was flushed.
LATE_MS = 500
FLUSH_EVERY = 0.2
# A track whose frames come this much off the clock goes by the clock again.
DRIFT = RATE // 5
SPEECH_RMS = 200
PAUSE_MS = 600
CONNECT_LIMIT = 15
LEAVE_LIMIT = 2


def emit(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def head():
    return struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36, b"WAVEfmt ", 16, 1, 1, RATE, RATE * 2, 2, 16, b"data", 0)


class Recording:
    """One file, from the moment it is opened on."""

    def __init__(self, audio, notes):
        self.file = open(audio, "xb")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.file.write(head())
        self.notes = open(notes, "w", encoding="utf-8")
        self.started = time.monotonic()
        self.started_at_ms = int(time.time() * 1000)
        self.note(started_at_ms=self.started_at_ms)
        self.written = 0  # samples in the file
        self.mix = np.zeros(RATE, dtype=np.int32)  # what comes after them

    def note(self, **fields):
        self.notes.write(json.dumps(fields) + "\n")
        self.notes.flush()

    def now(self):
        return int((time.monotonic() - self.started) * RATE)

    def add(self, at, samples):
        at -= self.written
        if at < 0:
            samples, at = samples[-at:], 0
        end = at + len(samples)
        if end > len(self.mix):
            self.mix = np.concatenate([self.mix, np.zeros(end - len(self.mix) + RATE, dtype=np.int32)])
        self.mix[at:end] += samples

    def flush(self, until):
        count = until - self.written
        if count <= 0:
            return
        if count > len(self.mix):
            self.mix = np.concatenate([self.mix, np.zeros(count - len(self.mix), dtype=np.int32)])
        self.file.write(np.clip(self.mix[:count], -32768, 32767).astype("<i2").tobytes())
        self.file.flush()
        self.mix = self.mix[count:]
        self.written = until

    def close(self):
        self.flush(self.now())
        os.fsync(self.file.fileno())
        self.notes.close()
        self.file.close()


class Speaker:
    """Where one track is in time, and whether its owner speaks."""

    def __init__(self, recording, identity):
        self.recording = recording
        self.identity = identity
        self.at = None
        self.heard_until = None

    def take(self, samples):
        arrived = self.recording.now() - len(samples)
        if self.at is None or abs(arrived - self.at) > DRIFT:
            self.at = max(arrived, 0)
        self.recording.add(self.at, samples)
        from_ms = self.at * 1000 // RATE
        self.at += len(samples)
        if np.sqrt(np.mean(samples.astype(np.float64) ** 2)) >= SPEECH_RMS:
            if self.heard_until is None:
                self.recording.note(who=self.identity, from_ms=from_ms)
            self.heard_until = self.at * 1000 // RATE
        elif self.heard_until is not None and from_ms - self.heard_until >= PAUSE_MS:
            self.cease()

    def cease(self):
        if self.heard_until is not None:
            self.recording.note(who=self.identity, to_ms=self.heard_until)
            self.heard_until = None


async def listen(track, speaker):
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=FRAME_MS)
    try:
        async for event in stream:
            speaker.take(np.frombuffer(event.frame.data, dtype=np.int16).astype(np.int32))
    finally:
        speaker.cease()


async def flush_steadily(recording):
    while True:
        await asyncio.sleep(FLUSH_EVERY)
        recording.flush(recording.now() - RATE * LATE_MS // 1000)


async def record(order, stopped):
    room = rtc.Room()
    loop = asyncio.get_running_loop()
    lost = loop.create_future()
    listeners, waiting = {}, []
    recording = None

    def lose(reason):
        if not lost.done():
            lost.set_result(reason)

    def on_track(track, _publication, participant):
        if track.kind != rtc.TrackKind.KIND_AUDIO:
            return
        if recording is None:
            waiting.append((track, participant.identity))
        else:
            listeners[track.sid] = asyncio.create_task(listen(track, Speaker(recording, participant.identity)))

    def on_track_lost(track, _publication, _participant):
        task = listeners.pop(track.sid, None)
        if task:
            task.cancel()

    room.on("disconnected", lambda reason: lose(f"disconnected: {reason}"))
    # What is said meanwhile would be missing without a word: another part says so.
    room.on("reconnecting", lambda: lose("reconnecting"))
    room.on("track_subscribed", on_track)
    room.on("track_unsubscribed", on_track_lost)
    options = rtc.RoomOptions(rtc_config=rtc.RtcConfiguration(ice_servers=[]))
    try:
        await asyncio.wait_for(room.connect(order["url"], order["token"], options), CONNECT_LIMIT)
    except Exception as error:  # whatever it is, nothing is recorded
        emit("refused", message=type(error).__name__)
        return
    recording = Recording(order["audio"], order["notes"])
    for track, identity in waiting:
        listeners[track.sid] = asyncio.create_task(listen(track, Speaker(recording, identity)))
    emit("recording", started_at_ms=recording.started_at_ms)
    flushing = asyncio.create_task(flush_steadily(recording))
    done, _ = await asyncio.wait([stopped, lost, flushing], return_when=asyncio.FIRST_COMPLETED)
    flushing.cancel()
    for task in listeners.values():
        task.cancel()
    await asyncio.gather(*listeners.values(), flushing, return_exceptions=True)
    recording.close()
    emit("ended", reason=lost.result() if lost in done else "stopped" if stopped in done else "failed")
    try:
        await asyncio.wait_for(room.disconnect(), LEAVE_LIMIT)
    except Exception:  # the media server finds out by itself
        pass


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    order = json.loads(await reader.readline())
    stopped = asyncio.ensure_future(reader.read())
    await record(order, stopped)


if __name__ == "__main__":
    asyncio.run(main())
    sys.stdout.flush()
    os._exit(0)  # the client's own threads need not be waited for
