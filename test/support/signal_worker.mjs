// The other end of a signalling connection, in a thread of its own: it goes on while the thread of the test is held up.
import { JoinResponse, ParticipantInfo, Ping, Pong, Room, SignalRequest, SignalResponse } from '@livekit/protocol';
import { parentPort, workerData } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';

const { role } = workerData;
const told = (what, value) => parentPort.postMessage({ what, value });

/** Answers pings behind a while; a mute one does not. */
function serve({ isMute, answerMs, pingInterval, pingTimeout }) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () => told('port', server.address().port));
  server.on('connection', (socket) => {
    const send = (message) => socket.send(new SignalResponse({ message }).toBinary());
    const participant = new ParticipantInfo({ sid: 'PA_me', identity: 'me' });
    const room = new Room({ sid: 'RM_here', name: 'here' });
    send({ case: 'join', value: new JoinResponse({ room, participant, pingInterval, pingTimeout }) });
    socket.on('message', (data) => {
      const { message } = SignalRequest.fromBinary(data);
      if (message.case !== 'pingReq') return;
      told('ping');
      const lastPingTimestamp = message.value.timestamp;
      const answer = () => send({ case: 'pongResp', value: new Pong({ lastPingTimestamp }) });
      if (!isMute) setTimeout(answer, answerMs);
    });
  });
}

/** Pings until it is told to be silent. */
function ping({ url, intervalMs }) {
  const socket = new WebSocket(url);
  socket.on('open', () => {
    const pings = setInterval(
      () => socket.send(new SignalRequest({ message: { case: 'pingReq', value: new Ping() } }).toBinary()),
      intervalMs,
    );
    parentPort.on('message', () => clearInterval(pings));
  });
  socket.on('close', (code) => told('closed', code));
}

if (role === 'server') serve(workerData);
else ping(workerData);
