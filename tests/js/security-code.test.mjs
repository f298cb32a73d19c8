import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { fixture, load, workerClass } from './modules.mjs';

const values = ({ purpose, subject, receipt_code, receipt_secret, phone }) =>
  [purpose, subject, receipt_code, receipt_secret, phone];

const run = async parameters => {
  const worker = new (await workerClass())();
  const progress = [];
  const last = await new Promise(resolve => {
    worker.onmessage = ({ data }) => (data.tried >= 0 ? progress.push(data.tried) : resolve(data));
    worker.postMessage(parameters);
  });
  return { last, progress };
};

test('a scope is committed to exactly as the server does it', async () => {
  const { commit } = await load('security-code');
  const { scope, salt, commitment } = await fixture();

  assert.equal(await commit(values(scope), salt), commitment);
});

test('lengths are counted in bytes, and no character can move between parts', async () => {
  const { commit } = await load('security-code');
  const block = text => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const parts = ['rate', 'đơn-vị/ông-ả', 'x'.repeat(70_000), '', '0912'];
  const expected = createHash('sha256')
    .update(Buffer.concat(['thuocdo-scope/1', 'salt', ...parts].map(block)))
    .digest('base64url');

  assert.equal(await commit(parts, 'salt'), expected);
  assert.notEqual(await commit(['rate', 'ab', 'c', '', ''], 's'), await commit(['rate', 'a', 'bc', '', ''], 's'));
});

test('the worker finds the solution the server accepts', async () => {
  const { challenge, altcha } = await fixture();
  const { solution } = JSON.parse(atob(altcha));

  const { last, progress } = await run(challenge.parameters);

  assert.deepEqual(last.solution, { counter: solution.counter, derivedKey: solution.derivedKey });
  assert.ok(progress.every((tried, index) => tried >= 0 && tried <= 1 && (!index || tried > progress[index - 1])));
});

test('a challenge without a solution ends, and so does one that cannot be read', async () => {
  const { challenge } = await fixture();
  const short = { ...challenge.parameters, cost: 1, data: { maxCounter: 40 } };

  assert.deepEqual((await run(short)).last, {});
  assert.deepEqual((await run({ ...short, cost: 0, keyPrefix: 'zz' })).last, {});
});

test('the fields to post carry the challenge as it was signed and a fresh salt', async () => {
  const { securityCode, commit } = await load('security-code');
  const { scope, challenge } = await fixture();
  const asked = [];
  globalThis.Worker = await workerClass();
  globalThis.fetch = async address => {
    asked.push(address);
    return Response.json(challenge);
  };

  const fields = await securityCode(values(scope), '/worker.js', () => {});
  const again = await securityCode(values(scope), '/worker.js', () => {});

  assert.match(fields.salt, /^[\w-]{22}$/);
  assert.notEqual(fields.salt, again.salt);
  assert.equal(asked[0], `/api/challenge?scope=${await commit(values(scope), fields.salt)}`);
  assert.deepEqual(JSON.parse(atob(fields.altcha)).challenge, challenge);
});

test('a failing network or server is told apart from a browser that cannot solve', async () => {
  const { securityCode } = await load('security-code');
  const { scope, challenge } = await fixture();

  globalThis.fetch = async () => new Response('', { status: 503 });
  await assert.rejects(securityCode(values(scope), '/worker.js', () => {}), TypeError);

  globalThis.fetch = async () => Response.json(challenge);
  globalThis.Worker = class {
    postMessage() {
      this.onerror(new Event('error'));
    }
  };
  await assert.rejects(securityCode(values(scope), '/worker.js', () => {}), error => !(error instanceof TypeError));
});
