/** One object to keep or, with `json` undefined, to forget. */
export interface BackendWrite {
  key: string
  json: string | undefined
}

export interface BackendContents {
  revision: number
  /** Key → JSON text. */
  objects: ReadonlyMap<string, string>
}

/** Where objects survive the process. One owner at a time. */
export interface Backend {
  /** @throws DataDirectoryError */
  load(): BackendContents
  /**
   * All or nothing. MUST NOT resolve before the writes and `revision` would survive SIGKILL, and, where
   * the medium can, a power cut.
   */
  write(writes: readonly BackendWrite[], revision: number): Promise<void>
  close(): Promise<void>
}
