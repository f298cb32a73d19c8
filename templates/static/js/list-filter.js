/* Narrows a list while one types, blind to accents, strokes, apostrophes and case; every typed word must begin a word of the
 * entry. «H'Hen» is found as hhen and as hen.
 *
 * <div data-filter hidden>        shown here, for it is no use without this module
 *   <input data-filter-input type="search">
 *   <p data-filter-count role="status" data-text-count="{count} …" data-text-none="…">
 * <ul data-filter-list> <li> …    or any element around several lists or tables, whose rows are the entries */

/* Letters that Unicode does not take apart; Đ is typed as U+0110, U+00D0 or U+0189. */
const plain = { đ: 'd', ð: 'd', ɖ: 'd', ɗ: 'd', ƀ: 'b', ɓ: 'b', ħ: 'h', ı: 'i', ɨ: 'i', ł: 'l', ø: 'o', ŧ: 't', ʉ: 'u' };
const apostrophes = /['`´‘’‛ʹʻʼʽˈ′＇]/g;

const fold = (text, mark) => {
  const bare = text.normalize('NFD').replace(apostrophes, mark).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return bare.replace(/[^\0-\x7f]/g, letter => plain[letter] ?? letter);
};
const split = text => text.match(/[\p{L}\p{N}]+/gu) ?? [];

export const words = text => split(fold(text, ''));

/* Words of an entry: those with an apostrophe are found whole and by each of their parts. */
export const entryWords = text => [...words(text), ...split(fold(text, ' '))];

export const matches = (wanted, entry) => wanted.every(start => entry.some(word => word.startsWith(start)));

const enhance = filter => {
  const input = filter.querySelector('[data-filter-input]');
  const count = filter.querySelector('[data-filter-count]');
  const entries = Array.from(document.querySelectorAll('[data-filter-list] :is(li, tbody tr)'), item => [item, entryWords(item.textContent)]);
  const apply = () => {
    const wanted = words(input.value);
    let shown = 0;
    for (const [item, entry] of entries) shown += !(item.hidden = !matches(wanted, entry));
    const { textCount, textNone } = count.dataset;
    const text = shown || !textNone ? textCount : textNone;
    count.textContent = wanted.length ? text.replace('{count}', shown.toLocaleString(document.documentElement.lang)) : '';
  };
  filter.hidden = false;
  input.addEventListener('input', apply);
  addEventListener('pageshow', apply);
};

document.querySelectorAll('[data-filter]').forEach(enhance);
