import { fail } from '@interposer/core';
import { NO_ALGORITHM, noAlgorithm } from './algorithms.ts';
import type { CipherMode } from './spec.ts';

/** What a name of the kernel's crypto interface stands for. */
export interface Algorithm {
  readonly cipher: string;
  readonly mode: CipherMode;
  /** Digest of an essiv template around it. */
  readonly ivHash: string | undefined;
  /** Digest of the HMAC of an authenc template around it. */
  readonly mac: string | undefined;
}

/** `name(argument,argument)`. */
interface Term {
  readonly name: string;
  readonly args: readonly Term[];
}

const MODES: readonly CipherMode[] = ['cbc', 'ctr', 'ecb', 'gcm', 'lrw', 'xts'];

/**
 * Reads a name such as `xts(aes)`, `essiv(cbc(aes),sha256)`, `authenc(hmac(sha256),xts(aes))`, `gcm(aes)` or
 * `rfc7539(chacha20,poly1305)`. Errors: EINVAL, ENOENT and ENOTSUP; `text` is the specification it stands in.
 */
export function readAlgorithm(api: string, text: string): Algorithm {
  const terms = new TermReader(api, text);
  const algorithm = resolve(terms.read(), text);
  terms.end();
  return algorithm;
}

function resolve(term: Term, text: string): Algorithm {
  const { name, args } = term;
  const [first, second] = args;
  if (name === 'essiv' && first && second?.args.length === 0) {
    return { ...resolve(first, text), ivHash: second.name };
  }
  if (name === 'authenc' && first && second) {
    const hash = first.name === 'hmac' ? first.args[0] : undefined;
    if (hash === undefined) throw noAlgorithm(first.name, text);
    return { ...resolve(second, text), mac: hash.name };
  }
  const bare = { ivHash: undefined, mac: undefined };
  if (name === 'rfc7539' && first?.name === 'chacha20' && second?.name === 'poly1305') {
    return { cipher: 'chacha20', mode: 'poly1305', ...bare };
  }
  // The name of a driver, `cbc-aes-aesni`: the algorithm is the same with whatever instructions.
  const driver = args.length === 0 ? /^(cbc|ctr|ecb|lrw|xts)-(\w+)-\w+$/.exec(name) : null;
  if (driver) return resolve({ name: driver[1]!, args: [{ name: driver[2]!, args: [] }] }, text);
  const mode = MODES.find((known) => known === name);
  if (mode === undefined || !first || first.args.length > 0) throw noAlgorithm(name, text);
  if (first.name === 'cipher_null' && mode !== 'ecb') throw noAlgorithm(`${mode}(cipher_null)`, text);
  return { cipher: first.name, mode, ...bare };
}

class TermReader {
  readonly #api: string;
  readonly #text: string;
  #at = 0;

  constructor(api: string, text: string) {
    this.#api = api;
    this.#text = text;
  }

  read(): Term {
    const name = /^[\w.-]*/.exec(this.#api.slice(this.#at))![0];
    this.#at += name.length;
    const args: Term[] = [];
    if (this.#api[this.#at] !== '(') return { name, args };
    do {
      this.#at += 1;
      args.push(this.read());
    } while (this.#api[this.#at] === ',');
    if (this.#api[this.#at] !== ')') this.#refuse();
    this.#at += 1;
    return { name, args };
  }

  end(): void {
    if (this.#at < this.#api.length) this.#refuse();
  }

  #refuse(): never {
    throw fail(
      'ENOENT',
      `${NO_ALGORITHM}: ${this.#api} cannot be read at position ${this.#at} (in ${this.#text})`,
    );
  }
}
