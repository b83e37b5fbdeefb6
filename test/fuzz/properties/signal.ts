import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { SignalResponse, type ParticipantInfo } from '@livekit/protocol';
import { PublisherConnection } from '../../../channelserver/forward/publisher_connection.js';
import { UpTrack } from '../../../channelserver/forward/up_track.js';
import { AccessError, checkAccess } from '../../../channelserver/signal/access.js';
import { exchangeToken } from '../../../channelserver/signal/exchange.js';
import {
  JoinRequestError,
  dualParameters,
  firstRequests,
  singleParameters,
} from '../../../channelserver/signal/join_parameters.js';
import { createLogger } from '../../../common/logger.js';
import { RoomConnectError } from '../../../coreservice/rtc/connect_error.js';
import { RemoteParticipants } from '../../../coreservice/rtc/room/remote_participants.js';
import { answerSections, receivedSections } from '../../../coreservice/rtc/sdp/received_sections.js';
import { readAnswer } from '../../../coreservice/rtc/sdp/offered_sections.js';
import { readCandidate } from '../../../coreservice/rtc/signal/connection_signal.js';
import { readJoin, readReconnect } from '../../../coreservice/rtc/signal/first_message.js';
import type { MediaTransport } from '../../../webrtc/media_transport.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { transportOf } from '../../../webrtc/sdp/transport_of.js';
import { writeSdp } from '../../../webrtc/sdp/write_sdp.js';
import { APP_ID, KEYS, tokenFor } from '../../integration/channelserver/running_server.js';
import { corpus } from '../support/corpus.js';
import { mutate } from '../support/mutate.js';
import { oddJson } from '../support/odd_json.js';
import type { Property } from '../support/property.js';
import { oddFrame, oddJoinRequest, oddSdp } from '../support/signal_messages.js';

const logger = createLogger('fuzz', 'silent');
const LOCAL = {
  usernameFragment: 'abcd',
  password: 'p'.repeat(24),
  fingerprint: { algorithm: 'sha-256', value: 'AB:CD' },
};

/** A defect of ours, not a refusal of theirs: what a program throws when it meets what it did not think of. */
function isDefect(error: unknown): boolean {
  return (
    !(error instanceof Error) ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError
  );
}

function refuses<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (isDefect(error)) throw error;
    return undefined;
  }
}

function fakeTransport(): MediaTransport {
  return Object.assign(new EventEmitter(), {
    state: 'new',
    local: LOCAL,
    remoteFragment: undefined,
    localCandidates: [],
    gather: () => Promise.resolve(),
    connect: () => undefined,
    addRemoteCandidate: () => undefined,
    restart: () => undefined,
    sendRtcp: () => undefined,
    close: () => Promise.resolve(),
  }) as unknown as MediaTransport;
}

export const SIGNAL_PROPERTIES: readonly Property[] = [
  {
    name: 'descriptions_are_read_or_refused_in_words',
    run: (random) => {
      const text = oddSdp(random, random.pick(corpus('sdp')).toString());
      const sdp = refuses(() => parseSdp(text));
      if (sdp === undefined) return;
      refuses(() => transportOf(sdp));
      const sections = answerSections(sdp);
      const answer = parseSdp(writeSdp({ sessionId: '1', version: 1, setup: 'active', local: LOCAL, sections }));
      assert.equal(answer.media.length, sdp.media.length);
      for (const section of receivedSections(sdp)) {
        assert.notEqual(section.codecs.size, 0);
        refuses(() => readAnswer(sdp, section.mid));
      }
    },
  },
  {
    name: 'an_offer_gets_an_answer_of_as_many_lines_or_is_refused',
    run: async (random) => {
      const connection = new PublisherConnection(
        fakeTransport(),
        {
          claim: ({ kind }) =>
            random.chance(0.3)
              ? undefined
              : {
                  codec: random.pick(['H264', 'VP8', 'opus', undefined]),
                  bind: ({ codec, rids }) => new UpTrack({ codec, rids }, logger),
                  unsupported: () => assert.ok(kind !== undefined),
                },
          ended: () => undefined,
          data: () => undefined,
          state: () => undefined,
        },
        logger,
      );
      for (let count = 1 + random.below(3); count > 0; count--) {
        const offer = oddSdp(random, random.pick(corpus('sdp')).toString());
        const answer = await connection.answer(offer).catch((error: unknown) => {
          if (isDefect(error)) throw error;
          return undefined;
        });
        if (answer !== undefined) assert.equal(parseSdp(answer).media.length, parseSdp(offer).media.length);
      }
      await connection.close();
    },
  },
  {
    name: 'join_requests_are_read_or_refused_as_such',
    run: (random) => {
      try {
        const query = new URLSearchParams({ join_request: oddJoinRequest(random) });
        for (const request of firstRequests(singleParameters(query, 1 << 20))) request.toBinary();
      } catch (error) {
        assert.ok(error instanceof JoinRequestError, String(error));
      }
      dualParameters(new URLSearchParams(random.bytes(random.size(200)).toString('latin1')));
    },
  },
  {
    name: 'tokens_are_taken_or_refused_as_such',
    run: async (random) => {
      const token = await tokenFor('room', 'me');
      const parts = token.split('.');
      const claims = `{"iss":${random.pick([`"${APP_ID}"`, oddJson(random)])},"video":${oddJson(random)},"sub":${oddJson(random)}}`;
      if (random.chance(0.5)) parts[1] = Buffer.from(claims).toString('base64url');
      const odd = random.chance(0.5) ? parts.join('.') : mutate(random, Buffer.from(token)).toString('latin1');
      await checkAccess(odd, KEYS).then(
        () => assert.equal(odd.split('.')[1], token.split('.')[1], 'a changed token was taken'),
        (error: unknown) => assert.ok(error instanceof AccessError, String(error)),
      );
      const body = `{"token":${oddJson(random)},"channel":${oddJson(random)},"userid":${oddJson(random)},"profile":${oddJson(random)}}`;
      const { status } = await exchangeToken(body, 'ws://x', KEYS, Date.now() / 1000);
      assert.ok(status === 400 || status === 401);
    },
  },
  {
    name: 'what_a_server_says_first_is_a_join_or_refused_as_such',
    run: (random) => {
      const frame = oddFrame(random, 'signal_responses');
      for (const read of [readJoin, readReconnect])
        try {
          read(frame, random.chance(0.9));
        } catch (error) {
          assert.ok(error instanceof RoomConnectError, String(error));
        }
      readCandidate(random.chance(0.5) ? oddJson(random) : `{"candidate":${oddJson(random)}}`);
    },
  },
  {
    name: 'participants_come_and_go_as_any_server_tells_them',
    run: (random) => {
      const participants = new RemoteParticipants();
      for (let count = 1 + random.below(10); count > 0; count--) {
        const infos = infosOf(oddFrame(random, 'signal_responses'));
        const changes = random.chance(0.2) ? participants.replace(infos, 'me') : participants.update(infos, 'me');
        for (const change of changes) assert.ok(change.participant.identity !== 'me');
        for (const participant of participants.byIdentity.values())
          for (const publication of participant.publications.values())
            assert.ok(publication.kind === 'audio' || publication.kind === 'video');
      }
    },
  },
];

/** None of what is no message: the library says so by a RangeError. */
function infosOf(frame: Buffer): ParticipantInfo[] {
  let message: SignalResponse['message'];
  try {
    ({ message } = SignalResponse.fromBinary(frame));
  } catch {
    return [];
  }
  if (message.case === 'join') return message.value.otherParticipants;
  return message.case === 'update' ? message.value.participants : [];
}
