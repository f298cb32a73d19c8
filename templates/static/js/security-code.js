/* Gets a proof-of-work challenge for one form's values and has a worker solve it.
 *
 * securityCode([purpose, subject, receipt_code, receipt_secret, phone], address of pow-worker.js, called with 0..1)
 *   -> { altcha, salt }, the two fields to post
 * Throws a TypeError when the network or the server failed, anything else when this browser cannot solve. */

const base64url = bytes =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

/* Every part stands behind its length: no character can move between parts. */
export const commit = async (scope, salt) => {
  const bytes = ['thuocdo-scope/1', salt, ...scope].flatMap(part => {
    const text = new TextEncoder().encode(part);
    return [text.length >>> 24, text.length >>> 16, text.length >>> 8, text.length, ...text];
  });
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))));
};

const solve = (parameters, address, progress) => new Promise((resolve, reject) => {
  const worker = new Worker(address);
  worker.onerror = reject;
  worker.onmessage = ({ data }) => {
    if (data.tried >= 0) return progress(data.tried);
    worker.terminate();
    data.solution ? resolve(data.solution) : reject();
  };
  worker.postMessage(parameters);
});

export const securityCode = async (scope, address, progress) => {
  const salt = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const response = await fetch('/api/challenge?scope=' + await commit(scope, salt));
  if (!response.ok) throw new TypeError(response.status);
  const challenge = await response.json();
  const solution = await solve(challenge.parameters, address, progress);
  return { altcha: btoa(JSON.stringify({ challenge, solution })), salt };
};
