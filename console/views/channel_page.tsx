import { CallControls } from '../channel/call_controls.js';
import { JoinForm } from '../channel/join_form.js';
import { PersonTiles } from '../channel/person_tile.js';
import { useCall } from '../channel/use_call.js';
import { useState } from 'preact/hooks';
import { plural } from '../format.js';
import { channelsOf } from '../state/node_state.js';
import type { NodeState } from '../state/node_state.js';

/** A person joins a channel beside the bots, sees and hears them. */
export function ChannelPage({ state: node, channel }: { state: NodeState; channel: string }) {
  const call = useCall();
  const [joined, setJoined] = useState(channel);
  const { state } = call;
  const others = (state?.people.length ?? 1) - 1;
  return (
    <div class="page">
      <div class="title">
        <div>
          <h1>{state === undefined ? 'Join a channel' : joined}</h1>
          <p class="quiet" role="status">
            {state === undefined
              ? 'With your camera and microphone, beside the bots: you see and hear what they send, and they you.'
              : phaseText(state.phase, others)}
          </p>
        </div>
      </div>
      {state === undefined ? (
        node.node !== undefined && (
          <JoinForm
            key={channel}
            channel={channel}
            channels={channelsOf(node.engines.values())}
            tokens={node.node.tokens}
            problem={call.problem}
            onJoin={(wish) => {
              setJoined(wish.channel);
              void call.join(wish);
            }}
          />
        )
      ) : (
        <>
          <CallControls state={state} call={call} />
          <div class="tiles">
            {state.people.map((person) => (
              <PersonTiles key={person.identity} person={person} />
            ))}
          </div>
          {state.phase === 'joined' && others === 0 && (
            <p class="quiet">Nobody else is here. Who joins appears beside you.</p>
          )}
        </>
      )}
    </div>
  );
}

function phaseText(phase: string, others: number): string {
  if (phase === 'joining') return 'Joining…';
  if (phase === 'reconnecting') return 'The connection broke; joining again…';
  return others === 0 ? 'You are here alone.' : `You, and ${plural(others, 'other')}.`;
}
