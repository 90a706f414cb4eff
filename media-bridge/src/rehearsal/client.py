"""Audio clients of a LiveKit server, many in one process, driven by JSON lines.

Commands on stdin, one JSON object a line; `id` names the client and is echoed in every event:

    {"do": "connect", "id": "b1", "url": "ws://...", "token": "..."}
    {"do": "publish", "id": "b1", "hz": 440}                              a sine tone as the microphone
    {"do": "unpublish", "id": "b1"}
    {"do": "leave", "id": "b1"}

Events on stdout, one JSON object a line:

    connected | refused {status, message} | disconnected {reason} | reconnecting | reconnected
    published | publish_failed {message} | unpublished | permission {can_publish} | token {token}
    heard {speaker, rms, dominant_hz, ms} for every window of sound | lost {speaker} when a track ends | error {message}

`rms` is that of 16 bit samples (full scale 32767). The process ends when stdin does.
"""

import asyncio
import json
import re
import sys

import numpy as np
from livekit import rtc

HEAR_RATE = 8_000  # enough for tones below 4 kHz, and cheap
HEAR_WINDOW_MS = 200
LEAVE_LIMIT = 5
SILENT_END_LIMIT = 1
TONE_RATE = 48_000
TONE_FRAME = TONE_RATE // 20
TONE_AMPLITUDE = 10_000


def emit(client_id, event, **fields):
    print(json.dumps({"id": client_id, "event": event, **fields}), flush=True)


def measure(samples):
    """Loudness and loudest frequency of one window."""
    wave = samples.astype(np.float64)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return {
        "rms": round(float(np.sqrt(np.mean(wave**2)))),
        "dominant_hz": round(float(spectrum.argmax()) * HEAR_RATE / len(wave)),
        "ms": round(len(wave) * 1000 / HEAR_RATE),
    }


class Client:
    """One participant."""

    def __init__(self, client_id):
        self.id = client_id
        self.room = rtc.Room()
        self.track = None
        self.tone = None
        self.listeners = {}
        self.ended = False
        self.room.on("disconnected", self.on_disconnected)
        self.room.on("connection_state_changed", self.on_state)
        self.room.on("reconnecting", lambda: self.emit("reconnecting"))
        self.room.on("reconnected", lambda: self.emit("reconnected"))
        self.room.on("token_refreshed", lambda: self.emit("token", token=self.room._token))
        self.room.on("participant_permissions_changed", self.on_permissions)
        self.room.on("participant_attributes_changed", self.on_attributes)
        self.room.on("participant_connected", self.on_participant)
        self.room.on("data_received", self.on_data)
        self.room.on("track_subscribed", self.on_track)
        self.room.on("track_unsubscribed", self.on_track_lost)

    def emit(self, event, **fields):
        emit(self.id, event, **fields)

    def on_disconnected(self, reason):
        if not self.ended:
            self.ended = True
            self.emit("disconnected", reason=reason_name(reason))

    def on_state(self, state):
        # The SDK sometimes changes to this state and never says "disconnected".
        if state == rtc.ConnectionState.CONN_DISCONNECTED:
            unknown = rtc.DisconnectReason.UNKNOWN_REASON
            asyncio.get_running_loop().call_later(SILENT_END_LIMIT, self.on_disconnected, unknown)

    def on_permissions(self, participant, permissions):
        if participant.identity == self.room.local_participant.identity:
            self.emit("permission", can_publish=permissions.can_publish)

    def on_participant(self, participant):
        # Others are told of somebody who came some time later, and then with all that they are.
        if participant.attributes:
            self.on_attributes(None, participant)

    def on_attributes(self, _changed, participant):
        self.emit("attributes", of=participant.identity, attributes=dict(participant.attributes))

    def on_data(self, packet):
        self.emit("data", topic=packet.topic or "", message=packet.data.decode())

    def on_track(self, track, _publication, participant):
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.listeners[track.sid] = asyncio.create_task(self.listen(track, participant.identity))

    def on_track_lost(self, track, _publication, participant):
        task = self.listeners.pop(track.sid, None)
        if task:
            task.cancel()
            self.emit("lost", speaker=participant.identity)

    async def listen(self, track, speaker):
        stream = rtc.AudioStream(track, sample_rate=HEAR_RATE, num_channels=1, frame_size_ms=HEAR_WINDOW_MS)
        try:
            async for event in stream:
                self.emit("heard", speaker=speaker, **measure(np.frombuffer(event.frame.data, dtype=np.int16)))
        finally:
            await stream.aclose()

    async def connect(self, url, token):
        options = rtc.RoomOptions(rtc_config=rtc.RtcConfiguration(ice_servers=[]))
        try:
            await self.room.connect(url, token, options)
        except rtc.ConnectError as error:
            self.ended = True
            status = re.search(r"\b([45]\d\d)\b", error.message)
            self.emit("refused", status=int(status.group(1)) if status else None, message=error.message)
            return
        self.emit("connected")

    async def publish(self, hz=440):
        await self.unpublish(quietly=True)
        source = rtc.AudioSource(TONE_RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("tone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
        self.tone = asyncio.create_task(play(source, hz))
        try:
            self.track = await self.room.local_participant.publish_track(track, options)
        except Exception as error:  # the SDK has several kinds, all of them mean: not published
            self.tone.cancel()
            self.emit("publish_failed", message=str(error))
            return
        self.emit("published", sid=self.track.sid)

    async def unpublish(self, quietly=False):
        if self.tone:
            self.tone.cancel()
            self.tone = None
        track, self.track = self.track, None
        if track:
            try:
                await self.room.local_participant.unpublish_track(track.sid)
            except Exception as error:  # a track that the server took away cannot be unpublished
                if not quietly:
                    self.emit("error", message=str(error))
        if not quietly:
            self.emit("unpublished")

    async def leave(self):
        for task in [self.tone, *self.listeners.values()]:
            if task:
                task.cancel()
        try:
            await asyncio.wait_for(self.room.disconnect(), LEAVE_LIMIT)
        finally:
            self.on_disconnected(rtc.DisconnectReason.CLIENT_INITIATED)


async def play(source, hz):
    """Feeds a sine tone for ever; the source's queue sets the pace."""
    start = 0
    while True:
        at = (start + np.arange(TONE_FRAME)) / TONE_RATE
        wave = (TONE_AMPLITUDE * np.sin(2 * np.pi * hz * at)).astype(np.int16)
        await source.capture_frame(rtc.AudioFrame(wave.tobytes(), TONE_RATE, 1, TONE_FRAME))
        start = (start + TONE_FRAME) % TONE_RATE


def reason_name(reason):
    try:
        return rtc.DisconnectReason.Name(reason)
    except (ValueError, TypeError):
        return str(reason)


async def obey(client, command):
    name = command.pop("do")
    command.pop("id")
    action = {"connect": client.connect, "publish": client.publish, "unpublish": client.unpublish}
    try:
        await action.get(name, client.leave)(**command)
    except Exception as error:  # one client's trouble must not stop the others
        client.emit("error", message=f"{name}: {error}")


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    clients, tasks = {}, set()
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "connect":
            clients[command["id"]] = Client(command["id"])
        task = asyncio.create_task(obey(clients[command["id"]], command))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*(client.leave() for client in clients.values()), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
