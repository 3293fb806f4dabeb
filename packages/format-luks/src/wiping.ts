/** Overwrites a key when the work with it is over, whatever came of that. */
export async function wiping<T>(key: Buffer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    key.fill(0);
  }
}
