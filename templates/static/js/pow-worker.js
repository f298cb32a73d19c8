/* Solves an ALTCHA v2 challenge (PBKDF2/SHA-256). In: its parameters. Out: { tried: 0..1 }*, then { solution } or {}. */

const lot = 16;

self.onmessage = async ({ data: { cost, data, keyLength, keyPrefix, nonce, salt } }) => {
  const bytes = hex => hex.match(/../g).map(pair => parseInt(pair, 16));
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', iterations: cost, salt: new Uint8Array(bytes(salt)) };
  const start = bytes(nonce);
  const derive = async counter => {
    const password = new Uint8Array([...start, counter >>> 24, counter >>> 16, counter >>> 8, counter]);
    const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
    const bits = new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, keyLength * 8));
    return Array.from(bits, byte => byte.toString(16).padStart(2, '0')).join('');
  };
  try {
    for (let first = 0; first <= data.maxCounter; first += lot) {
      const keys = await Promise.all(Array.from({ length: lot }, (_, index) => derive(first + index)));
      const found = keys.findIndex(key => key.startsWith(keyPrefix));
      if (found >= 0) return postMessage({ solution: { counter: first + found, derivedKey: keys[found] } });
      postMessage({ tried: first / data.maxCounter });
    }
  } catch {}
  postMessage({});
};
