/** Lines kept of a conversation; older ones are dropped. */
const LINES = 60;

/** What was sent (`>`) and what came (`<`), decoded, while one rule ran. */
export class Transcript {
  readonly #lines: string[] = [];
  #dropped = 0;

  sent(text: string): void {
    this.#add(`> ${text}`);
  }

  came(text: string): void {
    this.#add(`< ${text}`);
  }

  get lines(): readonly string[] {
    if (this.#dropped === 0) return [...this.#lines];
    return [`(${String(this.#dropped)} lines before)`, ...this.#lines];
  }

  #add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length <= LINES) return;
    this.#lines.shift();
    this.#dropped++;
  }
}
