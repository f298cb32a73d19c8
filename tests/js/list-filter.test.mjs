import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './modules.mjs';

const { words, entryWords, matches } = await load('list-filter');
const found = (query, entry) => matches(words(query), entryWords(entry));

test('accents, case and đ are ignored, composed or not', () => {
  assert.deepEqual(words('Ủy ban Xã Đại Lộc'), ['uy', 'ban', 'xa', 'dai', 'loc']);
  assert.deepEqual(words('Đặng Thị Hường'.normalize('NFD')), ['dang', 'thi', 'huong']);
  assert.ok(found('dang huong', 'Đặng Thị Hường'));
  assert.ok(found('ĐẶNG', 'đặng thị hường'));
});

test('an apostrophe of any kind is optional, and what follows it begins a word', () => {
  for (const mark of ["'", '’', '‘', '\u02bc', '\u02bb', '`', '´', '′']) {
    for (const typed of ['hhen', "h'hen", 'h\u02bchen', 'h’hen', 'HHEN nie', 'hen', 'h hen']) {
      assert.ok(found(typed, `H${mark}Hen Niê`), `${typed} → H${mark}Hen`);
    }
  }
  assert.ok(!found('en', "H'Hen Niê"));
});

test('letters with a stroke or a hook are found by the plain letter and by each other', () => {
  assert.ok(found('bya', 'Ƀya'));
  assert.ok(found('ƀya', 'Bya'));
  for (const stroke of ['\u0110', '\u00d0', '\u0189']) {
    for (const typed of ['dang', 'Đặng', '\u00f0ang', 'ĐANG']) assert.ok(found(typed, `${stroke}ặng Văn Bình`), `${typed} → ${stroke}ặng`);
  }
  assert.ok(found('rcham', 'Rơ Chăm R’Chăm'));
  assert.ok(found('kpa klong', 'Kpă Kl\u014fng'));
  assert.ok(found('so y te', 'ＳỞ Ｙ ＴẾ'));
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
