import { NotLeadingError } from './errors.ts'
import type { Store } from './store.ts'

/**
 * A store that writes only while `mayWrite` says so: what a process that was paused while another took over would
 * still write is refused here, also when the term ends while the write waits for its turn. What gets through between
 * look and write is refused by its resourceVersion.
 */
export function createFencedStore(unfenced: Store, mayWrite: () => boolean): Store {
  const store = unfenced.fenced?.(mayWrite) ?? unfenced
  async function write<T>(action: () => Promise<T>): Promise<T> {
    if (!mayWrite()) throw new NotLeadingError()
    return action()
  }
  return {
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    watch: (...args) => store.watch(...args),
    create: (...args) => write(() => store.create(...args)),
    update: (...args) => write(() => store.update(...args)),
    patch: (...args) => write(() => store.patch(...args)),
    delete: (...args) => write(() => store.delete(...args)),
  }
}
