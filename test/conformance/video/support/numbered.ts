import { VideoDataFormat, type VideoFrameInput } from '../../../../client/index.js';
import { NumberedPictures } from '../../../support/media/numbered_picture.js';

/** For a PictureFeed: numbered pictures of a size. */
export function numberedPictures(width: number, height: number): (number: number) => VideoFrameInput {
  const pictures = new NumberedPictures(width, height, 30);
  return (number) => ({ format: VideoDataFormat.I420, width, height, timestampMs: 0, data: pictures.draw(number) });
}
