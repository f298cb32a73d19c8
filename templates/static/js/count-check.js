/* Looks a tracker up in a list of counted ratings, and recomputes the list's root (docs/recount.md). Nothing is sent.
 *
 * <form data-count-check hidden data-text-found="…" data-text-mistyped data-text-mismatch data-text-checking data-text-offline>
 *   <input id="tracker">
 *   <select id="month"> <option value="address of the list" data-root="its root" data-absent="…">
 *   <p data-status role="status"> */

const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U';

/* The keys of a mark in Telex and VNI; Telex types a circumflex as its letter again. */
const MARKS = { '\u0300': 'F2', '\u0301': 'S1', '\u0302': ' 6', '\u0303': 'X4', '\u0306': 'W8', '\u0309': 'R3', '\u031b': 'W7', '\u0323': 'J5' };

/* Every text in which the marks are typed `far` places behind their letters, taken together. */
const spread = function* (letters, [mark, ...rest], far) {
  if (!mark) {
    if (!far) yield letters.join('');
    return;
  }
  const [at, key] = mark;
  for (let own = 0; own <= far && at + own < letters.length; own++) {
    yield* spread(letters.map((letter, index) => index === at + own ? letter + key : letter), rest, far - own);
  }
};

/* What a Vietnamese input method made of the keys, undone: Đ is DD or D9, Ư is W, Ả is AR or A3. The nearest comes first. */
const rows = function* (text) {
  for (let far = 0; far < 5; far++) {
    for (const method of [0, 1]) {
      const [letters, marks] = [[], []];
      for (const sign of text.normalize('NFD')) {
        const own = letters.length - 1;
        const key = MARKS[sign]?.[method];
        if ('ĐÐ'.includes(sign)) letters.push('D'), marks.push([own + 1, 'D9'[method]]);
        else if (!key) letters.push(sign);
        else if (key === 'W' && letters[own] === 'U') letters[own] = 'W';
        else marks.push([own, key.trim() || letters[own]]);
      }
      if (letters.length + marks.length !== 20) continue;
      const tone = ([, key]) => 'SFRXJ12345'.includes(key);
      yield* spread(letters, marks.sort((one, other) => one[0] - other[0] || tone(one) - tone(other)), far);
    }
  }
};

const isTracker = text => {
  if (!/^[0-9A-HJKMNP-TV-Z]{19}[^]$/.test(text)) return false;
  const value = [...text.slice(0, 19)].reduce((sum, symbol) => (sum * 32 + SYMBOLS.indexOf(symbol)) % 37, 0);
  return text[19] === SYMBOLS[value];
};

/* As it is shown, five groups of four; nothing when a character is wrong. */
export const tracker = typed => {
  const text = typed.normalize('NFKC').toUpperCase().replace(/[\s\p{Cf}\p{Pd}−.,;:!?"'()«»“”]/gu, '');
  for (const row of rows(text)) {
    const code = row.replaceAll('O', '0').replace(/[IL]/g, '1');
    if (isTracker(code)) return code.match(/..../g).join('-');
  }
};

const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
const hash = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(parts.flatMap(part => [...part]))));

/* RFC 6962, section 2.1: whoever is left over at the end of a row moves up alone. */
export const root = async entries => {
  let row = entries.map(([tracker, commitment]) => hash([0], (tracker + commitment).match(/../g).map(byte => parseInt(byte, 16))));
  while ((row = await Promise.all(row)).length > 1) {
    row = row.flatMap((left, index) => index % 2 ? [] : row[index + 1] ? hash([1], left, row[index + 1]) : left);
  }
  return hex(row[0] ?? await hash());
};

/* «found», «absent», or «mismatch»: the page's root must be that of a night, and that night's and the last one's entries must give their roots. */
export const look = async (list, tracker, published) => {
  const night = list.nights.findIndex(({ root }) => root === published);
  const roots = await Promise.all([root(list.entries.filter(entry => entry[2] <= night)), root(list.entries)]);
  if (roots[0] !== published || roots[1] !== list.nights.at(-1).root) return 'mismatch';
  const own = hex(await hash(new TextEncoder().encode(tracker)));
  return list.entries.some(([hash]) => hash === own) ? 'found' : 'absent';
};

const enhance = form => {
  if (!self.crypto?.subtle) return;
  const { tracker: input, month } = form.elements;
  const text = form.dataset;
  const say = (message, wrong) => {
    form.querySelector('[data-status]').textContent = message;
    input.setAttribute('aria-invalid', !!wrong);
  };
  form.hidden = false;
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const typed = tracker(input.value);
    if (!typed) return say(text.textMistyped, true), input.focus();
    const { value, dataset } = month.selectedOptions[0];
    say(text.textChecking);
    try {
      const list = await (await fetch(value, { cache: 'no-cache' })).json();
      say({ found: text.textFound, mismatch: text.textMismatch, absent: dataset.absent }[await look(list, typed, dataset.root)]);
    } catch {
      say(text.textOffline);
    }
  });
};

document.querySelectorAll('[data-count-check]').forEach(enhance);
