import type { JoinExtension } from '../../coreservice/ipc/extension.js';
import type { EngineContext } from './engine_context.js';
import type { Join } from './join_request.js';

/** Sends a join in the form of its credential. `extension` is what only a core of ours reads. */
export function sendJoin(engine: EngineContext, join: Join, extension: JoinExtension | undefined): void {
  const { channel, userId, userName, config, credential, authRole } = join;
  const alirtcd = extension === undefined ? {} : { alirtcd: { ...extension } };
  if (credential.kind === 'token') {
    const fields = { token: credential.token, channel, userid: userId, username: userName, config, ...alirtcd };
    engine.send('JOIN_CHANNEL_V2', fields);
    return;
  }
  const authInfo = {
    channel,
    userid: userId,
    username: userName,
    appid: credential.auth.appId,
    nonce: credential.auth.nonce,
    role: authRole,
    token: credential.hash,
    timestamp: credential.auth.timestamp,
  };
  engine.send('JOIN_CHANNEL', { authInfo, config, ...alirtcd });
}
