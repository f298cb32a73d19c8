import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './modules.mjs';

const { typed, fill } = await load('draft');

const form = controls => ({
  elements: Object.assign(controls, { receipt_code: controls.find(({ name }) => name === 'receipt_code') }),
});
const text = (name, value = '') => ({ name, type: 'text', value });
const radio = (name, value, checked = false) => ({ name, type: 'radio', value, checked });
const hidden = (name, value) => ({ name, type: 'hidden', value });

const filled = () => form([
  hidden('subject', 'so-y-te'),
  hidden('lang', 'vi'),
  text('receipt_code', 'H17-1'),
  text('receipt_secret'),
  radio('satisfaction', 'satisfied'),
  radio('satisfaction', 'not_satisfied', true),
  { name: 'reasons', type: 'checkbox', value: 'late', checked: true },
  { name: '', type: 'submit', value: '' },
  { name: 'suggestion', type: 'textarea', value: 'Nên báo trước.' },
]);

test('what was typed and chosen is kept, and nothing hidden', () => {
  assert.deepEqual(typed(filled()), [
    ['receipt_code', 'H17-1'],
    ['satisfaction', 'not_satisfied'],
    ['reasons', 'late'],
    ['suggestion', 'Nên báo trước.'],
  ]);
});

test('a fresh form takes it back', () => {
  const fresh = form([hidden('lang', 'en'), text('receipt_code'), text('receipt_secret'), radio('satisfaction', 'satisfied'), radio('satisfaction', 'not_satisfied'), text('suggestion')]);

  fill(fresh, typed(filled()));

  assert.deepEqual(typed(fresh), [['receipt_code', 'H17-1'], ['satisfaction', 'not_satisfied'], ['suggestion', 'Nên báo trước.']]);
  assert.equal(fresh.elements[0].value, 'en');
});

test('a form about another receipt takes nothing', () => {
  const other = form([text('receipt_code', 'H17-2'), radio('satisfaction', 'not_satisfied'), text('suggestion')]);

  fill(other, typed(filled()));

  assert.deepEqual(typed(other), [['receipt_code', 'H17-2']]);
});
