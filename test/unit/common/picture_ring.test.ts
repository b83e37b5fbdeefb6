import assert from 'node:assert/strict';
import { PictureRingReader, PictureRingUnreachable, PictureRingWriter } from '../../../common/picture_ring.js';

describe('picture ring', () => {
  it('gives back what was written, as long as the writer has not gone around', () => {
    const [writer, reader] = [new PictureRingWriter(4), new PictureRingReader()];
    const pictures = Array.from({ length: 6 }, (_, i) => Buffer.alloc(100_000, i + 1));
    const references = pictures.map((picture) => writer.write(picture));
    const read = references.map((reference) =>
      reference === undefined ? undefined : reader.read(reference)?.[99_999],
    );
    assert.deepEqual(read, [undefined, undefined, 3, 4, 5, 6]);
    writer.close();
    reader.close();
  });

  it('puts the pieces of a picture one after the other, and begins pictures at pages', () => {
    const [writer, reader] = [new PictureRingWriter(2), new PictureRingReader()];
    for (let round = 0; round < 3; round++) {
      const reference = writer.write(Buffer.alloc(5000, 1), Buffer.alloc(300, 2), Buffer.alloc(300, 3 + round));
      assert.equal(reference && (reference.offset + 8) % 4096, 0);
      const read = reference && reader.read(reference);
      assert.deepEqual([read?.length, read?.[4999], read?.[5000], read?.[5599]], [5600, 1, 2, 3 + round]);
    }
    writer.close();
    reader.close();
  });

  it('follows the writer to a file for larger pictures, also under the same descriptor number', () => {
    const [writer, reader] = [new PictureRingWriter(2), new PictureRingReader()];
    const small = writer.write(Buffer.alloc(1000, 1));
    assert.equal(small && reader.read(small)?.length, 1000);
    const large = writer.write(Buffer.alloc(3_000_000, 2));
    assert.equal(large?.path, small?.path);
    assert.equal(large && reader.read(large)?.[2_999_999], 2);
    writer.close();
    reader.close();
  });

  it('does not take pictures of a closed ring for those of the next under the same descriptor number', () => {
    const [first, reader] = [new PictureRingWriter(), new PictureRingReader()];
    const old = first.write(Buffer.alloc(1000, 1));
    assert.equal(old && reader.read(old)?.[0], 1);
    first.close();
    const second = new PictureRingWriter();
    const fresh = second.write(Buffer.alloc(1000, 2));
    assert.deepEqual([fresh?.path, fresh?.offset], [old?.path, old?.offset]);
    assert.equal(fresh && reader.read(fresh)?.[0], 2);
    second.close();
    reader.close();
  });

  it('counts a picture of a ring that has closed as lost when other rings can be read', () => {
    const [closed, open, reader] = [new PictureRingWriter(), new PictureRingWriter(), new PictureRingReader()];
    const lost = closed.write(Buffer.alloc(1000, 1));
    const kept = open.write(Buffer.alloc(1000, 2));
    closed.close();
    assert.equal(kept && reader.read(kept)?.[0], 2);
    assert.equal(lost && reader.read(lost), undefined);
    open.close();
    reader.close();
  });

  it('says so when the writer cannot be reached', () => {
    const reader = new PictureRingReader();
    const reference = { path: `/proc/${process.pid}/fd/999999`, offset: 0, length: 10, generation: 1 };
    assert.throws(() => reader.read(reference), PictureRingUnreachable);
  });
});
