import {
  AddTrackRequest,
  SimulcastCodec,
  TrackSource as WireSource,
  TrackType,
  VideoLayer,
  VideoQuality,
} from '@livekit/protocol';
import type { SentAudioTrack } from '../send/local_audio_track.js';
import type { SentVideoTrack } from '../send/local_video_track.js';

export type SentTrack = SentAudioTrack | SentVideoTrack;

/** What the server is told of a track before it is offered. The cid comes back in its answer, and names the track in the offer's a=msid. */
export function addTrackRequest(track: SentTrack, cid: string): AddTrackRequest {
  return track.kind === 'video' ? videoRequest(track, cid) : audioRequest(track, cid);
}

function audioRequest({ options }: SentAudioTrack, cid: string): AddTrackRequest {
  return new AddTrackRequest({
    cid,
    name: options.name,
    type: TrackType.AUDIO,
    source: WireSource.MICROPHONE,
    stereo: options.stereo,
    disableDtx: true,
    disableRed: true,
  });
}

function videoRequest({ options, layers }: SentVideoTrack, cid: string): AddTrackRequest {
  const described = layers.map(({ quality, rid }) => {
    const settings = options.layers.find((layer) => layer.quality === quality);
    return new VideoLayer({
      // A single layer is the high one, whatever its name.
      quality: quality === 'high' || layers.length === 1 ? VideoQuality.HIGH : VideoQuality.LOW,
      width: settings?.width ?? 0,
      height: settings?.height ?? 0,
      bitrate: (settings?.bitrateKbps ?? 0) * 1000,
      rid,
    });
  });
  const largest = described.at(-1);
  return new AddTrackRequest({
    cid,
    name: options.name,
    type: TrackType.VIDEO,
    source: options.source === 'screen' ? WireSource.SCREEN_SHARE : WireSource.CAMERA,
    width: largest?.width ?? 0,
    height: largest?.height ?? 0,
    layers: described,
    simulcastCodecs: [new SimulcastCodec({ codec: 'h264', cid })],
  });
}
