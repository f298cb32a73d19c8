import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { load } from './modules.mjs';

const { tracker, root, look } = await load('count-check');
const fixture = async () => JSON.parse(await readFile(new URL('fixtures/counted.json', import.meta.url), 'utf8'));
/* Crockford's check symbol of the first nineteen. */
const checkOf = shown => {
  const symbols = '0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U';
  const digits = [...shown.replaceAll('-', '')].slice(0, 19);
  return symbols[digits.reduce((sum, digit) => (sum * 32 + symbols.indexOf(digit)) % 37, 0)];
};
const last = list => list.nights.at(-1).root;

test('a tracker is read however it was copied', async () => {
  const { tracker: shown } = await fixture();
  for (const typed of [shown, shown.toLowerCase(), ` ${shown.replaceAll('-', ' ')}\n`, shown.replaceAll('-', ''), shown.replaceAll('0', 'o').replaceAll('1', 'L')]) {
    assert.equal(tracker(typed), shown, typed);
  }
});

test('a tracker copied from a message is read', async () => {
  const { tracker: shown } = await fixture();
  for (const typed of [`\u200b${shown}\ufeff`, `\u202a${shown}\u202c.`, `«${shown}».`, shown.replaceAll('-', '\u2011'), shown.replaceAll('-', '\u2060')]) {
    assert.equal(tracker(typed), shown, typed);
  }
});

test('what a Vietnamese input method made of a tracker is undone', () => {
  for (const [shown, typed] of [
    ['YH6D-DZFD-DM00-0000-000A', 'YH6Đ-ZFĐM-00-0000-000A'],
    ['0000-0000-0000-000Z-AWM0', '0000-0000-0000-000Z-ĂM0'],
  ].map(([shown, typed]) => [shown.slice(0, -1) + checkOf(shown), typed.slice(0, -1) + checkOf(shown)])) {
    assert.equal(tracker(typed), shown, typed);
    assert.equal(tracker(typed.toLowerCase()), shown, typed);
  }
  assert.equal(tracker('Ẩ'.repeat(60)), undefined);
});

test('one wrong character of a tracker is noticed', async () => {
  const { tracker: shown } = await fixture();
  for (let place = 0; place < shown.length; place++) {
    if (shown[place] === '-') continue;
    const wrong = shown.slice(0, place) + (shown[place] === '7' ? '8' : '7') + shown.slice(place + 1);
    assert.equal(tracker(wrong), undefined, wrong);
  }
  for (const typed of ['', 'xin chào', shown.slice(1), shown + 'A', 'U'.repeat(20)]) assert.equal(tracker(typed), undefined, typed);
});

test('the root is that of RFC 6962 for any number of entries', async () => {
  const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const expected = leaves => {
    if (leaves.length === 0) return sha();
    if (leaves.length === 1) return sha(Buffer.of(0), leaves[0]);
    let left = 1;
    while (left * 2 < leaves.length) left *= 2;
    return sha(Buffer.of(1), expected(leaves.slice(0, left)), expected(leaves.slice(left)));
  };
  const entry = n => [sha(Buffer.of(n)).toString('hex'), sha(Buffer.of(n, n)).toString('hex'), 0];
  for (let size = 0; size < 20; size++) {
    const entries = Array.from({ length: size }, (_, n) => entry(n));
    const leaves = entries.map(([a, b]) => Buffer.from(a + b, 'hex'));
    assert.equal(await root(entries), expected(leaves).toString('hex'), `${size} entries`);
  }
});

test('a rating in the list is found, under the newest root and under an earlier one', async () => {
  const { list, tracker } = await fixture();
  assert.equal(await look(list, tracker, last(list)), 'found');
  assert.equal(await look(list, tracker, list.nights[0].root), 'found');
});

test('a rating that is not in the list is said to be absent', async () => {
  const { list } = await fixture();
  assert.equal(await look(list, '7K3M-9QTX-0B2C-V8NR-H5WP', last(list)), 'absent');
});

test('a list with an entry dropped, added or changed, or under another root, is a mismatch', async () => {
  const { list, tracker } = await fixture();
  const changed = change => {
    const copy = structuredClone(list);
    change(copy);
    return look(copy, tracker, last(list));
  };
  assert.equal(await changed(copy => copy.entries.splice(4, 1)), 'mismatch');
  assert.equal(await changed(copy => copy.entries.push(['0'.repeat(64), '1'.repeat(64), 1])), 'mismatch');
  assert.equal(await changed(copy => (copy.entries[2][1] = '0'.repeat(64))), 'mismatch');
  assert.equal(await changed(copy => (copy.nights[1].root = '0'.repeat(64))), 'mismatch');
  assert.equal(await look(list, tracker, '0'.repeat(64)), 'mismatch');

  // Published this morning, and an entry of that night moved to a later one: the earlier root says so.
  const early = structuredClone(list);
  early.entries.find(entry => entry[2] === 0)[2] = 1;
  assert.equal(await look(early, tracker, list.nights[0].root), 'mismatch');
});
