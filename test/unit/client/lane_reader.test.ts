import assert from 'node:assert/strict';
import { LaneReader } from '../../../client/lane_reader.js';

function framed(...messages: Buffer[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(message.length);
      return [length, message];
    }),
  );
}

function readAll(chunks: Buffer[]): Buffer[] {
  const reader = new LaneReader(1000);
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    reader.feed(chunk);
    for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message);
  }
  return messages;
}

describe('The reader of a frame lane', () => {
  const messages = [Buffer.from('first'), Buffer.alloc(0), Buffer.alloc(300, 7), Buffer.from('x')];
  const wire = framed(...messages);

  it('gives the same messages wherever the bytes are cut', () => {
    for (let cut = 0; cut <= wire.length; cut++)
      assert.deepEqual(readAll([wire.subarray(0, cut), wire.subarray(cut)]), messages, `cut at ${cut}`);
  });

  it('gives them when every byte comes alone', () => {
    assert.deepEqual(readAll([...wire].map((byte) => Buffer.from([byte]))), messages);
  });

  it('gives messages that stay when the memory of the chunk is used again', () => {
    const chunk = Buffer.from(wire);
    const reader = new LaneReader(1000);
    reader.feed(chunk);
    const first = reader.next();
    chunk.fill(0);
    assert.deepEqual(first, messages[0]);
  });

  it('refuses a message that is longer than is taken, before it takes memory for it', () => {
    const reader = new LaneReader(1000);
    reader.feed(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    assert.throws(() => reader.next(), /4294967295 bytes, at most 1000/);
  });
});
