/* Moves #code=…&secret=… of a scanned slip into <input name="receipt_code"> and <input name="receipt_secret">, then out
 * of the address bar and the history. A fragment never reaches the server. Scanned while another slip is being rated in the
 * same tab, it begins anew: nothing of that rating may go to this dossier. */

const take = () => {
  const slip = new URLSearchParams(location.hash.slice(1));
  if (!slip.has('code')) return;
  if (!document.querySelector('[data-purpose=validate]')) return location.reload();
  for (const name of ['code', 'secret']) {
    const input = document.querySelector(`[name=receipt_${name}]`);
    if (!input) continue;
    input.value = slip.get(name) ?? '';
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
  history.replaceState(null, '', location.pathname + location.search);
};

addEventListener('hashchange', take);
take();
