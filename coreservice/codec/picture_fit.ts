import type { PictureTarget } from './types.js';

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Encoders take no smaller one: a picture that is very wide or very high loses its shape rather than not being sent. */
const MIN_ENCODED_SIDE = 16;

/** What is taken from a picture and where it goes; even numbers, because chroma has half the resolution. */
export interface FitPlan {
  /** The part of the source that is shown, before turning. Its offset is even. */
  source: Rectangle;
  /** Where it goes in the result, after turning. */
  placed: Rectangle;
  width: number;
  height: number;
}

/** How a picture of this size is turned and fitted into the target. The last column or row of an odd size is cut off rather than the whole picture scaled. */
export function planFit(pushedWidth: number, pushedHeight: number, target: PictureTarget): FitPlan {
  const [width, height] = [evenDown(pushedWidth), evenDown(pushedHeight)];
  const turned = target.rotation === 90 || target.rotation === 270;
  // The source's size as it is seen after turning.
  const seen = turned ? { width: height, height: width } : { width, height };
  const area = { width: evenDown(target.width), height: evenDown(target.height) };
  const whole = { x: 0, y: 0, width, height };
  switch (target.fit) {
    case 'stretch':
      return { source: whole, placed: { x: 0, y: 0, ...area }, ...area };
    case 'auto': {
      const inside = atLeast(MIN_ENCODED_SIDE, sizeInside(seen, area), area);
      return { source: whole, placed: { x: 0, y: 0, ...inside }, ...inside };
    }
    case 'fill': {
      const inside = sizeInside(seen, area);
      const x = ((area.width - inside.width) >> 2) << 1;
      const y = ((area.height - inside.height) >> 2) << 1;
      return { source: whole, placed: { x, y, ...inside }, ...area };
    }
    case 'crop': {
      const part = partOfShape(seen, area);
      const size = turned ? { width: part.height, height: part.width } : part;
      const x = ((width - size.width) >> 2) << 1;
      const y = ((height - size.height) >> 2) << 1;
      return { source: { x, y, ...size }, placed: { x: 0, y: 0, ...area }, ...area };
    }
  }
}

interface Size {
  width: number;
  height: number;
}

/** The largest even size of the picture's shape inside the area. */
function sizeInside(picture: Size, area: Size): Size {
  const scale = Math.min(area.width / picture.width, area.height / picture.height);
  return {
    width: Math.min(area.width, evenNear(picture.width * scale)),
    height: Math.min(area.height, evenNear(picture.height * scale)),
  };
}

function atLeast(side: number, size: Size, area: Size): Size {
  const most = (value: number, limit: number): number => Math.max(value, Math.min(side, limit));
  return { width: most(size.width, area.width), height: most(size.height, area.height) };
}

/** The largest part of the picture that has the area's shape. */
function partOfShape(picture: Size, area: Size): Size {
  const scale = Math.max(area.width / picture.width, area.height / picture.height);
  return {
    width: Math.min(picture.width, Math.max(2, Math.round(area.width / scale))),
    height: Math.min(picture.height, Math.max(2, Math.round(area.height / scale))),
  };
}

function evenDown(value: number): number {
  return Math.max(2, value & ~1);
}

function evenNear(value: number): number {
  return Math.max(2, Math.round(value / 2) * 2);
}
