/* Keeps what is typed into a form for ten minutes, in this tab only, so that a reload, a tab the phone dropped or the other
 * language does not lose it. Nothing is kept of a rating once it is saved, nor on a device that shared-device.js marked.
 *
 * <form data-rating-form data-text-lost="asked before a link that would empty the form">
 * <… data-saved>  on the thank-you page: ends the draft; the page is emptied when one leaves it
 * rating-form.js says «shown» on the document when it has put another page in place. */

const minutes = 10;

/* Storage may be switched off. */
const attempt = action => {
  try {
    return action();
  } catch {}
};
const isShared = () => !!attempt(() => localStorage.getItem('shared-device'));
const forget = () => attempt(() => sessionStorage.removeItem('draft'));
const place = () => location.pathname.replace(/^\/en\//, '/');

const controls = form => [...form.elements].filter(({ name, type }) => name && type !== 'hidden');
const isChoice = ({ type }) => type === 'radio' || type === 'checkbox';

/* Name and value of everything typed or chosen. */
export const typed = form =>
  controls(form).filter(control => isChoice(control) ? control.checked : control.value).map(({ name, value }) => [name, value]);

/* Puts values back, unless the form is already about another receipt. */
export const fill = (form, values) => {
  const code = form.elements.receipt_code?.value;
  if (code && code !== values.find(([name]) => name === 'receipt_code')?.[1]) return;
  for (const control of controls(form)) {
    const own = values.filter(([name]) => name === control.name).map(([, value]) => value);
    if (isChoice(control)) control.checked ||= own.includes(control.value);
    else if (own.length) control.value = own[0];
  }
};

const forms = () => document.querySelectorAll('[data-rating-form]');

const restore = () => {
  const draft = attempt(() => JSON.parse(sessionStorage.getItem('draft')));
  if (document.querySelector('[data-saved]') || isShared() || draft?.until < Date.now()) forget();
  else if (draft?.place === place()) {
    for (const form of forms()) {
      fill(form, draft.values);
      form.dispatchEvent(new Event('change'));
    }
  }
};

const keep = ({ target }) => {
  const form = target.form;
  if (!form?.matches('[data-rating-form]') || isShared()) return;
  const draft = { place: place(), until: Date.now() + minutes * 60000, values: typed(form) };
  attempt(() => sessionStorage.setItem('draft', JSON.stringify(draft)));
};

const watch = () => {
  document.addEventListener('input', keep);
  document.addEventListener('shown', restore);
  document.addEventListener('click', event => {
    if (!event.target.closest?.('.switch') || attempt(() => sessionStorage.getItem('draft'))) return;
    const lost = [...forms()].find(form => typed(form).length);
    if (lost && !confirm(lost.dataset.textLost)) event.preventDefault();
  });
  setInterval(() => attempt(() => JSON.parse(sessionStorage.getItem('draft')))?.until < Date.now() && forget(), 30000);

  /* The browser may keep the whole page for «Back», and show it to whoever comes next. */
  let emptied;
  addEventListener('pagehide', () => {
    if (!document.querySelector(isShared() ? '[data-saved], [data-rating-form]' : '[data-saved]')) return;
    emptied = true;
    document.querySelector('main').replaceChildren();
  });
  addEventListener('pageshow', () => emptied && location.reload());

  if (isShared()) document.querySelectorAll('[autocomplete]').forEach(control => (control.autocomplete = 'off'));
  restore();
};

/* Nothing to watch where the tests load this. */
if (document.addEventListener) watch();
