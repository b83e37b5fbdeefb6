/** Recording and playing. Apart from the client itself, because they load FFmpeg. */
export { ChannelRecorder } from './channel_recorder.js';
export type { ChannelRecorderOptions } from './channel_recorder.js';
export { FilePlayer } from './file_player.js';
export type { FilePlayerOptions } from './file_player.js';
export { MediaFile } from './media_file.js';
export type { AudioReport, UserReport, VideoReport } from './user_recording.js';
