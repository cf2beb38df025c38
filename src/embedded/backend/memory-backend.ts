import type { Backend } from './backend.ts'

/** Keeps nothing: for tests, simulations and a standalone without a data directory. */
export const memoryBackend: Backend = {
  load: () => ({ revision: 0, objects: new Map() }),
  write: async () => {},
  close: async () => {},
}
