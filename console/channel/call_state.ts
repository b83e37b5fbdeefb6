/** What the page shows of a call. */
export interface CallState {
  phase: 'joining' | 'joined' | 'reconnecting' | 'over';
  /** Why it is over; empty: the person left. */
  reason: string;
  people: Person[];
  camera: DeviceState;
  microphone: DeviceState;
  /** False: the browser plays no sound before the person presses a button. */
  canPlaySound: boolean;
}

export interface DeviceState {
  on: boolean;
  busy: boolean;
  /** Why it could not be switched on. */
  problem: string;
}

export interface Person {
  identity: string;
  name: string;
  isLocal: boolean;
  isSpeaking: boolean;
  hasSound: boolean;
  /** Camera and screen that can be seen now. */
  videos: Media[];
  sounds: Media[];
}

/** A track that an element plays. */
export interface Media {
  key: string;
  kind: 'camera' | 'screen' | 'sound';
  attach: (element: HTMLMediaElement) => void;
  detach: (element: HTMLMediaElement) => void;
}

export const BEFORE: CallState = {
  phase: 'joining',
  reason: '',
  people: [],
  camera: { on: false, busy: false, problem: '' },
  microphone: { on: false, busy: false, problem: '' },
  canPlaySound: true,
};
