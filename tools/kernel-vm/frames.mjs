// @ts-check
/** What the guest reports: "STATUS BYTES BYTES", a line feed, standard output, standard error; for each script. */

/** @typedef {import('./run.mjs').ScriptResult} ScriptResult */

/** Puts the frames together from the pieces in which they come. */
export class FrameReader {
  /** What came and is no whole frame yet. */
  #rest = Buffer.alloc(0);

  /** @param {Buffer} piece @returns {ScriptResult[]} the frames that it completes */
  push(piece) {
    this.#rest = Buffer.concat([this.#rest, piece]);
    const results = [];
    for (let result = this.#next(); result !== undefined; result = this.#next()) results.push(result);
    return results;
  }

  /** @returns {ScriptResult | undefined} */
  #next() {
    const line = this.#rest.indexOf('\n');
    if (line < 0) return undefined;
    const [status = 0, output = 0, errors = 0] = this.#rest
      .toString('latin1', 0, line)
      .split(' ')
      .map(Number);
    const start = line + 1;
    const end = start + output + errors;
    if (this.#rest.length < end) return undefined;
    const stdout = this.#rest.toString('utf8', start, start + output);
    const stderr = this.#rest.toString('utf8', start + output, end);
    this.#rest = this.#rest.subarray(end);
    return { status, stdout, stderr };
  }
}
