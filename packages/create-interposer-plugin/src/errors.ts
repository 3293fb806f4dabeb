/** A request that cannot be met, with a text for the user: what was wrong, and what is allowed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}
