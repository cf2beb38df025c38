/** What people wrote by hand, if it can be read; `read` throws when not. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
