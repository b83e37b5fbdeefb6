import type { CallState, DeviceState } from './call_state.js';
import type { CallControl } from './use_call.js';

const NAMES = { microphone: 'Microphone', camera: 'Camera' } as const;

/** Microphone, camera, leave; and what is wrong with them. */
export function CallControls({ state, call }: { state: CallState; call: CallControl }) {
  const isReady = state.phase === 'joined';
  return (
    <div class="call-controls">
      <div class="call-buttons" role="group" aria-label="Your microphone and camera">
        {(['microphone', 'camera'] as const).map((device) => (
          <button
            key={device}
            type="button"
            class={`button button-device ${state[device].on ? 'is-on' : 'is-off'}`}
            aria-pressed={state[device].on}
            disabled={!isReady || state[device].busy}
            onClick={() => call.switchDevice(device, !state[device].on)}
          >
            {NAMES[device]} <span class="device-state">{stateText(state[device])}</span>
          </button>
        ))}
        {!state.canPlaySound && (
          <button type="button" class="button button-main" onClick={call.playSound}>
            Turn sound on
          </button>
        )}
        <button type="button" class="button button-danger" onClick={call.leave}>
          Leave
        </button>
      </div>
      {(['microphone', 'camera'] as const).map(
        (device) =>
          state[device].problem !== '' && (
            <p key={device} class="problem" role="alert">
              {NAMES[device]}: {state[device].problem}.
            </p>
          ),
      )}
    </div>
  );
}

function stateText({ on, busy }: DeviceState): string {
  if (busy) return 'starting';
  return on ? 'on' : 'off';
}
