import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './modules.mjs';

const { words, matches } = await load('list-filter');
const found = (query, entry) => matches(words(query), words(entry));

test('accents, case and đ are ignored, composed or not', () => {
  assert.deepEqual(words('Ủy ban Xã Đại Lộc'), ['uy', 'ban', 'xa', 'dai', 'loc']);
  assert.deepEqual(words('Đặng Thị Hường'.normalize('NFD')), ['dang', 'thi', 'huong']);
  assert.ok(found('dang huong', 'Đặng Thị Hường'));
  assert.ok(found('ĐẶNG', 'đặng thị hường'));
});

test('every typed word must begin a word of the entry, in any order', () => {
  assert.ok(found('tai so', 'Sở Tài chính'));
  assert.ok(found('h17.48', 'Trung tâm H17.48'));
  assert.ok(!found('chinh van', 'Sở Tài chính'));
  assert.ok(!found('ai', 'Sở Tài chính'));
});

test('nothing typed leaves everything', () => {
  assert.ok(found('', 'Sở Tài chính'));
  assert.ok(found(' ., ', 'Sở Tài chính'));
});
