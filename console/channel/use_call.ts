import { useEffect, useRef, useState } from 'preact/hooks';
import type { TokenAnswer, TokenRequest } from '../../common/console_api.js';
import { errorText, send } from '../api.js';
import { BEFORE } from './call_state.js';
import type { CallState } from './call_state.js';
import type { Call } from './call.js';

export interface JoinWish extends TokenRequest {
  camera: boolean;
  microphone: boolean;
}

export interface CallControl {
  /** Undefined: in no channel. */
  state: CallState | undefined;
  /** Why the last join failed, or the last stay ended. */
  problem: string;
  join: (wish: JoinWish) => Promise<void>;
  leave: () => void;
  switchDevice: (device: 'camera' | 'microphone', on: boolean) => void;
  playSound: () => void;
}

/** A person's stay in a channel; it ends with the view. */
export function useCall(): CallControl {
  const [state, setState] = useState<CallState | undefined>(undefined);
  const [problem, setProblem] = useState('');
  const call = useRef<Call | undefined>(undefined);
  const isGone = useRef(false);
  useEffect(
    () => () => {
      isGone.current = true;
      void call.current?.leave();
    },
    [],
  );

  const onState = (next: CallState): void => {
    if (isGone.current) return;
    setState(next.phase === 'over' ? undefined : next);
    if (next.phase === 'over') setProblem(next.reason === '' ? '' : `You are out of the channel: ${next.reason}.`);
  };
  const join = async ({ channel, userId, camera, microphone }: JoinWish): Promise<void> => {
    setProblem('');
    setState(BEFORE);
    try {
      // LiveKit's client is most of what this page consists of: it is loaded here.
      const [{ Call: LoadedCall }, answer] = await Promise.all([
        import('./call.js'),
        send<TokenAnswer>('POST', '/api/v1/tokens', { channel, userId }),
      ]);
      if (isGone.current) return;
      call.current = new LoadedCall(onState);
      await call.current.join(answer.url, answer.token, { camera, microphone });
    } catch (error) {
      if (isGone.current) return;
      setState(undefined);
      setProblem(`Joining failed: ${errorText(error)}.`);
    }
  };
  return {
    state,
    problem,
    join,
    leave: () => void call.current?.leave(),
    switchDevice: (device, on) => void call.current?.switch(device, on),
    playSound: () => void call.current?.playSound(),
  };
}
