/** One run of a process, from its start until it ends or is killed. What belongs to a life that is over never happens. */
export interface Life {
  readonly process: string
  alive: boolean
  /** Stopped by a signal: what falls due meanwhile waits in `held`. */
  paused: boolean
  /** While it is stopped: until when, by true time. */
  resumesAt?: number
  readonly held: (() => void)[]
}

export function newLife(process: string): Life {
  return { process, alive: true, paused: false, held: [] }
}
