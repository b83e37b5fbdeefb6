import { TRANSPORT_CC_URI } from '../../webrtc/sdp/description.js';
import type { MediaSection, Section } from '../../webrtc/sdp/write_sdp.js';

const VIDEO_FEEDBACK = ['ccm fir', 'nack', 'nack pli', 'goog-remb'];

/** The m-lines as they are written: codecs with the feedback that we understand and give. */
export function writtenSections(sections: readonly Section[]): Section[] {
  return sections.map((section) =>
    section.kind === 'audio' || section.kind === 'video' ? withFeedback(section) : section,
  );
}

function withFeedback(section: MediaSection): MediaSection {
  const feedback = [
    ...(section.extensions.some(({ uri }) => uri === TRANSPORT_CC_URI) ? ['transport-cc'] : []),
    ...(section.kind === 'video' ? VIDEO_FEEDBACK : []),
  ];
  const codecs = section.codecs.map((codec) => ({ ...codec, channels: codec.name === 'opus' ? 2 : 1, feedback }));
  return { ...section, codecs };
}
