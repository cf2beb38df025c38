export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError'
  constructor(readonly limit: number) {
    super(`a line of the watch is longer than ${limit} bytes`)
  }
}

/** The stream was cut within a line. */
export class TruncatedLineError extends Error {
  override readonly name = 'TruncatedLineError'
  constructor() {
    super('the watch ended in the middle of an event')
  }
}

const NEWLINE = 0x0a

/**
 * The lines of a byte stream, empty ones left out.
 * @throws LineTooLongError, TruncatedLineError
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end))
      length += end - start
      if (length > limit) throw new LineTooLongError(limit)
      const line = Buffer.concat(parts, length).toString('utf8')
      parts = []
      length = 0
      start = end + 1
      if (line !== '') yield line
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start))
      length += chunk.length - start
      if (length > limit) throw new LineTooLongError(limit)
    }
  }
  if (length > 0) throw new TruncatedLineError()
}
