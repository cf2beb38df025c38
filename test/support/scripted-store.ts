import type { Resource } from '../../src/api/resource.ts'
import type {
  ListOptions,
  ObjectList,
  Store,
  WatchEvent,
  WatchHandle,
  WatchHandler,
  WatchOptions,
} from '../../src/kube/store.ts'

export interface ScriptedWatch {
  readonly options: WatchOptions
  readonly stopped: boolean
  /** Reaches the handler even after `stop`: what a store that breaks its promise would do. */
  send(event: WatchEvent): void
  end(error?: Error): void
}

/** A Store whose lists answer what the test says and whose watches say what the test says. */
export class ScriptedStore implements Store {
  answer: () => ObjectList | Promise<ObjectList> = () => ({ items: [], resourceVersion: '1' })
  /** Runs when a watch is opened. */
  opened: (watch: ScriptedWatch) => void = () => {}
  readonly lists: ListOptions[] = []
  readonly watches: ScriptedWatch[] = []

  async list(_: Resource, options: ListOptions = {}): Promise<ObjectList> {
    this.lists.push(options)
    return this.answer()
  }

  watch(_: Resource, options: WatchOptions, handler: WatchHandler): WatchHandle {
    let isStopped = false
    let isEnded = false
    const end = (error?: Error) => {
      if (isEnded) return
      isEnded = true
      handler.ended(error)
    }
    const watch: ScriptedWatch = {
      options,
      get stopped() {
        return isStopped
      },
      send: (event) => handler.event(event),
      end,
    }
    this.watches.push(watch)
    this.opened(watch)
    return {
      stop() {
        isStopped = true
        end()
      },
    }
  }

  get lastWatch(): ScriptedWatch {
    const watch = this.watches.at(-1)
    if (watch === undefined) throw new Error('no watch was opened')
    return watch
  }

  get: Store['get'] = notScripted
  create: Store['create'] = notScripted
  update: Store['update'] = notScripted
  patch: Store['patch'] = notScripted
  delete: Store['delete'] = notScripted
}

async function notScripted(): Promise<never> {
  throw new Error('not scripted')
}
