// The CloudFront function of template.yaml; tests/integration/cdn.rs puts every published address through it.
import assert from 'node:assert/strict';
import test from 'node:test';

import { ask } from './site-index.mjs';

test('a directory is its index page', () => {
  assert.equal(ask('/').uri, '/index.html');
  assert.equal(ask('/don-vi/48-1/').uri, '/don-vi/48-1/index.html');
});

test('a file is left alone', () => {
  for (const uri of ['/static/site.1a2b3c4d.css', '/ket-qua/don-vi/48-1/ket-qua.json']) {
    assert.equal(ask(uri).uri, uri);
  }
});

test('a published file without a dot in its name is left alone', () => {
  const uri = '/goi-du-lieu/SHA256SUMS';
  assert.equal(ask(uri).uri, uri);
  // Of that name in another folder there is none.
  assert.equal(ask('/don-vi/SHA256SUMS').statusCode, 301);
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
