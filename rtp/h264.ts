/** H.264 on RTP (RFC 6184): one door to the files beside. */
export { NAL_TYPE, START_CODE, isH264KeyFrame, joinAnnexB, nalType, splitAnnexB } from './h264_nal.js';
export { parseSps } from './h264_sps.js';
export type { H264Sps } from './h264_sps.js';
export { packetizeH264 } from './h264_packetizer.js';
export { H264Depacketizer, h264KeyFrameStart, h264PayloadSize, isH264KeyFrameStart } from './h264_depacketizer.js';
export type { AssembledFrame, KeyFrameStart } from './h264_depacketizer.js';
