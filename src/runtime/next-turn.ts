/**
 * Runs `action` in a later turn of the event loop, in order, after what I/O has waiting. Looked up at each call, so that a
 * simulation may put its own loop in the place of Node's.
 */
export function nextTurn(action: () => void): void {
  setImmediate(action)
}
