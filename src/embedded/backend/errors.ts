/** The data directory cannot be used; the message says why and what to do. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError'
  constructor(
    readonly directory: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`data directory ${directory}: ${why}`, options)
  }
}
