import type { KubeObject } from '../../api/object.ts'
import type { ApiError } from '../status.ts'

export type ServedEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject }
  | { type: 'BOOKMARK'; resourceVersion: string; initialEventsEnd: boolean }

/** Who gets the events of one watch. */
export interface WatchSink {
  /** @returns false when no more should come before `Watcher.resume()` */
  send(event: ServedEvent): boolean
  /** Called once, last. Without an error: the watch ran its time, or the server stops. */
  end(error?: ApiError): void
}
