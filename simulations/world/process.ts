import type { Logger } from 'pino'
import type { SimulatedBroker } from '../../transports/messages/simulated.ts'
import type { ApiFaults } from '../faults/api-faults.ts'
import type { Plan } from '../plan/plan.ts'
import type { ApiServer } from './api-server.ts'
import type { Life } from './life.ts'
import type { Machine } from './machine.ts'
import type { Scheduler } from './scheduler.ts'
import type { StoreObserver } from './simulated-store.ts'

/** A process of the product, which can be started, killed and started again. */
export interface SimulatedProcess {
  readonly machine: Machine
  start(): void
  kill(): void
  /** It notices that its connection to the broker is gone. */
  brokerLost(): void
  /** What it is doing: what a fault meets. */
  state(): string
  /** Why it would say that it is not ready. */
  problems(): readonly string[]
}

export interface ProcessParts {
  machine: Machine
  plan: Plan
  scheduler: Scheduler
  api: ApiServer
  apiFaults: ApiFaults
  observer: StoreObserver
  broker: SimulatedBroker
  messages: RequestsUnderWay
  log: (life: Life) => Logger
}

/** What processes are waiting for an answer to. */
export interface RequestsUnderWay {
  /** The one that matters most, as in `patch ippools/status`; undefined when it waits for nothing. */
  doing(process: string): string | undefined
}
