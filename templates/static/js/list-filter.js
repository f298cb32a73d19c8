/* Narrows a list while one types, blind to accents and case; every typed word must begin a word of the entry.
 *
 * <div data-filter hidden>        shown here, for it is no use without this module
 *   <input data-filter-input type="search">
 *   <p data-filter-count role="status" data-text-count="{count} …" data-text-none="…">
 * <ul data-filter-list> <li> …    or any element around several lists or tables, whose rows are the entries */

export const words = text =>
  text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('đ', 'd').match(/[\p{L}\p{N}]+/gu) ?? [];

export const matches = (wanted, entry) => wanted.every(start => entry.some(word => word.startsWith(start)));

const enhance = filter => {
  const input = filter.querySelector('[data-filter-input]');
  const count = filter.querySelector('[data-filter-count]');
  const entries = Array.from(document.querySelectorAll('[data-filter-list] :is(li, tbody tr)'), item => [item, words(item.textContent)]);
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
