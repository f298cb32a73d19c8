// The CloudFront function that makes a directory its index.html, taken from template.yaml as it is deployed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const template = readFileSync(new URL('../../template.yaml', import.meta.url), 'utf8');
const code = /^      FunctionCode: \|\n((?: {8}.*\n|\n)+)/m.exec(template)[1];
const handler = new Function(`${code}; return handler;`)();

const ask = (uri) => handler({ request: { uri, method: 'GET', headers: {} } });

test('a directory is its index page', () => {
  assert.equal(ask('/').uri, '/index.html');
  assert.equal(ask('/don-vi/48-1/').uri, '/don-vi/48-1/index.html');
});

test('a file is left alone', () => {
  for (const uri of ['/static/site.1a2b3c4d.css', '/ket-qua/don-vi/48-1/ket-qua.json']) {
    assert.equal(ask(uri).uri, uri);
  }
});

test('a directory without its slash is sent to the one with it', () => {
  const answer = ask('/v1.2/don-vi');
  assert.equal(answer.statusCode, 301);
  assert.equal(answer.headers.location.value, '/v1.2/don-vi/');
});

test('no address leads to another site', () => {
  for (const uri of ['//evil', '///evil', '/\\evil', '/\\/evil', '\\\\evil']) {
    const { value } = ask(uri).headers.location;
    assert.equal(new URL(value, 'https://here.example').origin, 'https://here.example', `${uri} became ${value}`);
  }
});
