/* Solves a form's security code and posts the form in place. Where this cannot run, the form posts natively and the
 * server asks for a typed code.
 *
 * <form data-rating-form data-purpose="rate|validate" data-security-code="its address" data-pow-worker="its address"
 *       data-text-checking data-text-sending data-text-offline>
 *   <fieldset data-reasons>          optional; shown and posted only while satisfaction=not_satisfied
 *   <button data-submit>             aria-disabled="true" while busy
 *   <progress data-progress hidden>  optional
 *   <p data-status role="status">
 * An answered page gives its <main>; in it [data-error-summary], else h1, takes the focus. */

const enhance = form => {
  if (form.elements.typed_token) return;
  const part = name => form.querySelector(`[data-${name}]`);
  const text = form.dataset;
  const reasons = part('reasons');
  const progress = part('progress');
  const module = import(text.securityCode).catch(() => {});
  let busy, attempt;

  const say = (message, working) => {
    busy = working;
    part('status').textContent = message;
    part('submit').setAttribute('aria-disabled', !!busy);
    if (progress) progress.hidden = !busy;
  };
  const show = () => {
    if (reasons) reasons.hidden = reasons.disabled = new FormData(form).get('satisfaction') !== 'not_satisfied';
  };
  form.addEventListener('change', show);
  addEventListener('pageshow', ({ persisted }) => {
    show();
    if (persisted) say('');
  });
  show();

  form.addEventListener('submit', async event => {
    if (!self.crypto?.subtle || !self.Worker) return;
    event.preventDefault();
    if (busy) return;
    say(text.textChecking, true);
    const data = new FormData(form);
    const body = new URLSearchParams(data);
    const scope = ['subject', 'receipt_code', 'receipt_secret', 'phone'].map(name => data.get(name) ?? '');
    const solver = await module;
    try {
      const code = await solver.securityCode([text.purpose, ...scope], text.powWorker, tried => {
        if (progress) progress.value = tried;
      });
      for (const name in code) body.set(name, code[name]);
      /* Drawn once: what makes sending again after a lost answer a retry, and nobody else's. */
      if (!body.has('attempt')) body.set('attempt', attempt ??= code.salt);
    } catch (error) {
      return solver && error instanceof TypeError ? say(text.textOffline) : form.submit();
    }
    say(text.textSending, true);
    try {
      const signal = AbortSignal.timeout?.(30000);
      const response = await fetch(form.action, { method: 'POST', body, signal, headers: { accept: 'text/html' } });
      /* From 429 up nothing was saved and sending again is safe: the form stays as it is. */
      if (response.status < 429 && replace(await response.text())) return;
    } catch {}
    say(text.textOffline);
  });
};

const replace = html => {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const main = page.querySelector('main');
  if (!main) return;
  document.title = page.title;
  document.querySelector('main').replaceWith(main);
  main.querySelectorAll('[data-rating-form]').forEach(enhance);
  document.dispatchEvent(new Event('shown'));
  const start = main.querySelector('[data-error-summary]') ?? main.querySelector('h1') ?? main;
  start.tabIndex = -1;
  start.focus();
  return true;
};

document.querySelectorAll('[data-rating-form]').forEach(enhance);
