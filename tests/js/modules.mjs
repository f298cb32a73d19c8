// Loads the site's modules into Node as they are served: no package, no build, nothing to install.

import { readFile } from 'node:fs/promises';

const source = name => readFile(new URL(`../../templates/static/js/${name}.js`, import.meta.url), 'utf8');

/** The exports of a page module; on import it sees a document that holds none of its elements. */
export const load = async name => {
  globalThis.document ??= { querySelectorAll: () => [], querySelector: () => null };
  return import('data:text/javascript,' + encodeURIComponent(await source(name)));
};

/** A stand-in for `Worker` that runs `pow-worker.js` in this thread. */
export const workerClass = async () => {
  const code = await source('pow-worker');
  return class {
    #scope = {};

    constructor() {
      const post = data => this.onmessage({ data });
      new Function('self', 'postMessage', code)(this.#scope, post);
    }

    postMessage(data) {
      this.#scope.onmessage({ data });
    }

    terminate() {}
  };
};

export const fixture = async () =>
  JSON.parse(await readFile(new URL('fixtures/solved.json', import.meta.url), 'utf8'));
