/* Moves #code=…&secret=… of a scanned slip into <input name="receipt_code"> and <input name="receipt_secret">, then out
 * of the address bar and the history. A fragment never reaches the server. */

const take = () => {
  const slip = new URLSearchParams(location.hash.slice(1));
  if (!slip.has('code')) return;
  for (const name of ['code', 'secret']) {
    const input = document.querySelector(`[name=receipt_${name}]`);
    if (input) input.value = slip.get(name) ?? '';
  }
  history.replaceState(null, '', location.pathname + location.search);
};

addEventListener('hashchange', take);
take();
