"""Joins a channel by the daemon beside it, prints what happens there and counts the pictures of everybody; one JSON object a line, until SIGTERM or Ctrl-C.

Everything it needs of alirtcd is the .proto files. Settings: ALIRTCD_ADDRESS (unix:/run/alirtcd/alirtcd.sock), CHANNEL (lobby), USER_ID (counter).
"""

import json
import os
import signal
import sys
import threading

import grpc
from google.protobuf.json_format import MessageToDict

from alirtc.v1 import engine_pb2, engine_pb2_grpc, events_pb2, events_pb2_grpc, media_pb2, media_pb2_grpc
from alirtc.v1 import token_pb2, token_pb2_grpc, types_pb2

ADDRESS = os.environ.get("ALIRTCD_ADDRESS", "unix:/run/alirtcd/alirtcd.sock")
CHANNEL = os.environ.get("CHANNEL", "lobby")
USER_ID = os.environ.get("USER_ID", "counter")
CONNECT_S = 60
CALL_S = 20
# A decoded picture is a message of 1.5 bytes a pixel; the default limit of gRPC, 4 MB, ends at 1080p.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

stop = threading.Event()
failed = threading.Event()
output = threading.Lock()


def say(what, **facts):
    with output:
        print(json.dumps({"what": what, **facts}), flush=True)


def print_events(stream):
    """The first message tells how the engine stands; then every callback of the interface comes, in order."""
    try:
        for event in stream:
            kind = event.WhichOneof("event")
            # Statistics come every two seconds for everybody.
            if kind is not None and not kind.endswith("_stats"):
                value = MessageToDict(getattr(event, kind), preserving_proto_field_name=True)
                say("event", sequence=event.sequence, name=kind, value=value)
    except grpc.RpcError as error:
        ended("events", error)


def count_pictures(stream, counts):
    try:
        for picture in stream:
            of_user = counts.setdefault(picture.uid, {"pictures": 0, "bytes": 0, "dropped": 0})
            of_user["pictures"] += 1
            of_user["bytes"] += len(picture.data)
            of_user["dropped"] += picture.header.dropped_before
            of_user["size"] = f"{picture.width}x{picture.height}"
    except grpc.RpcError as error:
        ended("pictures", error)


def ended(stream, error):
    """A stream ends with the engine. Whatever ends it sooner ends this program: whoever runs it starts it again."""
    if not stop.is_set():
        say("error", stream=stream, code=error.code().name, text=error.details())
        failed.set()
        stop.set()


def run(channel):
    engines = engine_pb2_grpc.EngineServiceStub(channel)
    tokens = token_pb2_grpc.TokenServiceStub(channel)
    auth = types_pb2.AuthInfo(channel=CHANNEL, user_id=USER_ID)
    token = tokens.GenerateToken(token_pb2.GenerateTokenRequest(auth_info=auth), timeout=CALL_S).token
    engine_id = engines.CreateAliRTCEngine(engine_pb2.CreateAliRTCEngineRequest(), timeout=CALL_S).engine_id
    say("engine", engine_id=engine_id)
    counts = {}
    readers = []
    try:
        events = events_pb2_grpc.EventServiceStub(channel).GetEventHandler(
            events_pb2.GetEventHandlerRequest(engine_id=engine_id)
        )
        readers.append(threading.Thread(target=print_events, args=(events,), daemon=True))
        # Opening the stream is what makes the core decode; subscribing is the join's.
        pictures = media_pb2_grpc.MediaServiceStub(channel).OnRemoteVideoSample(
            media_pb2.OnRemoteVideoSampleRequest(engine_id=engine_id)
        )
        readers.append(threading.Thread(target=count_pictures, args=(pictures, counts), daemon=True))
        for reader in readers:
            reader.start()
        config = types_pb2.JoinChannelConfig(
            channel_profile=types_pb2.CHANNEL_PROFILE_COMMUNICATION,
            subscribe_mode=types_pb2.SUBSCRIBE_MODE_AUTOMATICALLY,
        )
        request = engine_pb2.JoinChannelRequest(engine_id=engine_id, token=token, config=config, wait=True)
        joined = engines.JoinChannel(request, timeout=CALL_S)
        say("joined", channel=joined.channel, user_id=joined.user_id)
        while not stop.wait(1):
            say("counted", users=counts)
    finally:
        stop.set()
        engines.Release(engine_pb2.ReleaseRequest(engine_id=engine_id), timeout=CALL_S)
    # Both streams end with the engine.
    for reader in readers:
        reader.join(timeout=CALL_S)
    say("left", users=counts)


def main():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    with grpc.insecure_channel(ADDRESS, options=options) as channel:
        try:
            # The daemon's container may start after this one.
            grpc.channel_ready_future(channel).result(timeout=CONNECT_S)
            run(channel)
        except grpc.FutureTimeoutError:
            say("error", text=f"no daemon answers at {ADDRESS}")
            return 1
        except grpc.RpcError as error:
            say("error", code=error.code().name, text=error.details())
            return 1
    return 1 if failed.is_set() else 0


if __name__ == "__main__":
    sys.exit(main())
