/**
 * Shares a number of states among epochs: each gets what it wants or the same as all others that get less than they want. Of
 * what cannot be shared evenly, one each for epochs evenly spread.
 */
export function quotas(wanted: readonly number[], total: number): number[] {
  let level = 0;
  let left = total;
  let open = wanted.filter((want) => want > 0);
  while (open.length > 0 && left >= open.length) {
    const step = Math.min(Math.floor(left / open.length), Math.min(...open) - level);
    level += step;
    left -= step * open.length;
    open = open.filter((want) => want > level);
  }
  const shares = wanted.map((want) => Math.min(want, level));
  const short = [...shares.keys()].filter((index) => shares[index]! < wanted[index]!);
  const extra = Math.min(left, short.length);
  for (let number = 0; number < extra; number++)
    shares[short[Math.floor((number * short.length) / extra)]!]!++;
  return shares;
}
