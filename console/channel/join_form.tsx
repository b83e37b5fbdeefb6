import { useState } from 'preact/hooks';
import type { ChannelSummary } from '../state/node_state.js';
import { Notice } from '../parts/notice.js';
import type { JoinWish } from './use_call.js';

interface JoinFormProps {
  channel: string;
  channels: readonly ChannelSummary[];
  tokens: boolean;
  problem: string;
  onJoin: (wish: JoinWish) => void;
}

/** What ids may consist of. */
const ID = '[A-Za-z0-9_\\-]{1,64}';

export function JoinForm({ channel: wanted, channels, tokens, problem, onJoin }: JoinFormProps) {
  const [channel, setChannel] = useState(wanted === '' ? (channels[0]?.channel ?? '') : wanted);
  const [userId, setUserId] = useState(() => `person-${Math.random().toString(36).slice(2, 6)}`);
  const [camera, setCamera] = useState(true);
  const [microphone, setMicrophone] = useState(true);
  const present = channels.find((one) => one.channel === channel);
  if (!tokens)
    return (
      <Notice kind="hint" title="Joining from this page is off">
        To join beside the bots, the page needs channel tokens, and the operator decides whether it gets any: start the
        daemon with <code>--console-tokens on</code>. Any LiveKit client can join with a token of{' '}
        <code>alirtc token --livekit</code>.
      </Notice>
    );
  return (
    <form
      class="join-form"
      onSubmit={(event) => {
        event.preventDefault();
        onJoin({ channel, userId, camera, microphone });
      }}
    >
      {problem !== '' && (
        <Notice kind="error" title="Not in the channel">
          {problem}
        </Notice>
      )}
      <label class="field">
        <span>Channel</span>
        <input
          name="channel"
          required
          pattern={ID}
          title="1 to 64 letters, digits, _ or -"
          list="known-channels"
          autocomplete="off"
          value={channel}
          onInput={(event) => setChannel(event.currentTarget.value)}
        />
        <datalist id="known-channels">
          {channels.map((one) => (
            <option key={one.channel} value={one.channel} />
          ))}
        </datalist>
      </label>
      <label class="field">
        <span>Your name there</span>
        <input
          name="user"
          required
          pattern={ID}
          title="1 to 64 letters, digits, _ or -"
          autocomplete="off"
          value={userId}
          onInput={(event) => setUserId(event.currentTarget.value)}
        />
      </label>
      <fieldset class="checks">
        <legend>Begin with</legend>
        <label class="check">
          <input
            type="checkbox"
            checked={microphone}
            onChange={(event) => setMicrophone(event.currentTarget.checked)}
          />
          Microphone
        </label>
        <label class="check">
          <input type="checkbox" checked={camera} onChange={(event) => setCamera(event.currentTarget.checked)} />
          Camera
        </label>
      </fieldset>
      <p class="quiet">
        {present === undefined
          ? 'No engine of this node is there. You can join all the same.'
          : `There now: ${present.people.join(', ')}.`}
      </p>
      <button type="submit" class="button button-main">
        Join
      </button>
    </form>
  );
}
