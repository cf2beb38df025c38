/** One thing that happened in a simulation, as a story tells it. */
export interface TraceEntry {
  /** Milliseconds of true time since the simulation began. */
  readonly at: number
  readonly kind: TraceKind
  /** Who did it, a lane of the picture: `api`, `controller-1`, `agent-lan-1`, `client vm-3/nic-0`, `operator`, `fault`. */
  readonly who: string
  /** Whom a message went to. */
  readonly to?: string
  /** When a message arrives; it is lost when there is `to` and no `arrivesAt`. */
  readonly arrivesAt?: number
  /** One line, without the time and without `who`. */
  readonly text: string
  /** MAC addresses, IPv4 addresses and `namespace/name` of objects that it is about: what belongs to one story is found by them. */
  readonly about: readonly string[]
}

/**
 * `message`: between processes, or a request to the API and its answer. `packet`: a DHCP message. `lease`: what a client
 * believes from now on. `operation`: what people do. `fault`: what goes wrong. `step`: a process starts, stops, leads.
 * `violation`: a law was broken.
 */
export type TraceKind = 'message' | 'packet' | 'lease' | 'operation' | 'fault' | 'step' | 'violation'
