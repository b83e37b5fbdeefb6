import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import {
  CreateAliRTCEngineRequest,
  ListEnginesRequest,
  type CreateAliRTCEngineResponse,
  type ListEnginesResponse,
} from '../../../gen/alirtc/v1/engine.js';
import { errorInfoOf, rpc } from '../../support/rpc.js';
import { Scene } from './scene.js';

describe('an engine that somebody releases while it starts', function () {
  this.timeout(60_000);

  it('is ABORTED for who creates it, not INTERNAL', async () => {
    const scene = await Scene.start();
    const { engines } = scene.daemon;
    const list = (): Promise<ListEnginesResponse> =>
      rpc((done) => engines.listEngines(ListEnginesRequest.fromPartial({}), done));
    // A machine that is busy elsewhere may show an engine only when it has started.
    for (let attempt = 0; attempt < 50; attempt++) {
      let created = false;
      const creation = rpc<CreateAliRTCEngineResponse>((done) =>
        engines.createAliRtcEngine(CreateAliRTCEngineRequest.fromPartial({}), done),
      ).then(
        () => undefined,
        (error: ServiceError) => error,
      );
      void creation.then(() => (created = true));
      let engineId = '';
      while (engineId === '' && !created) engineId = (await list()).engines[0]?.engineId ?? '';
      if (engineId === '') engineId = (await list()).engines[0]?.engineId ?? '';
      await rpc((done) => engines.release({ engineId }, done));
      const error = await creation;
      if (error === undefined) continue;
      assert.equal(error.code, status.ABORTED, error.details);
      assert.equal(errorInfoOf(error)?.reason, 'ENGINE_ENDED');
      const { code } = await scene.close();
      assert.equal(code, 0);
      return;
    }
    await scene.close();
    assert.fail('no engine was seen while it started');
  });
});
