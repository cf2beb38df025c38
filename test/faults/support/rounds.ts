import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../../e2e/support/eventually.ts'
import { describeFault, type Fault, inject } from './faults.ts'
import type { ApiUser } from './api-history.ts'
import type { Machine } from './machines.ts'
import type { Recorder } from './recorder.ts'
import type { Recovery } from './recovery-table.ts'
import type { World } from './world.ts'

export interface Round {
  readonly world: World
  readonly recorder: Recorder
  readonly user: ApiUser
  readonly now: () => number
}

/** Asked again after this long, a client that was not answered starts over from DISCOVER. */
const ASK_AGAIN_MS = 1_000
const PATIENCE_SECONDS = 60
/** From one VM of a storm to the next: a storm that is over at once is over before a fault has struck. */
const STORM_STEP_MS = 25

/** VMs are made and boot, one right after the other; the fault strikes when the first of them has an address. */
export async function bootStorm(
  { world, recorder, user, now }: Round,
  fault: Fault,
  machines: readonly Machine[],
): Promise<Recovery> {
  const told = user.history.length
  const booting = Promise.all(
    machines.map(async (machine, index) => {
      await wait(index * STORM_STEP_MS)
      await machine.create()
    }),
  )
  booting.catch(() => {})
  const isTold = () => (user.history.length > told ? true : undefined)
  await eventually('a first address', isTold, { seconds: 20, pauseMs: 5 })
  const since = now()
  await inject(fault, world.parts)
  await booting
  return {
    fault: describeFault(fault),
    during: 'boot storm',
    answeredMs: answeredAfter(since, recorder, machines),
  }
}

/** The fault strikes while all clients hold a lease; each asks for its renewal until it is answered. A VM is made, too. */
export async function renewals(
  { world, recorder, now }: Round,
  fault: Fault,
  machines: readonly Machine[],
  newcomer: Machine,
): Promise<Recovery> {
  const since = now()
  const injected = inject(fault, world.parts)
  const made = newcomer.create().then(() => now() - since)
  await Promise.all(machines.map((machine) => renewUntilAnswered(machine, since, recorder)))
  const answeredMs = answeredAfter(since, recorder, machines)
  const newcomerMs = await made
  await injected
  await newcomer.remove()
  return { fault: describeFault(fault), during: 'renewals', answeredMs, newcomerMs }
}

/** Asks for a renewal, and starts over, until there is an ACK that is younger than `since`. */
export async function renewUntilAnswered(machine: Machine, since: number, recorder: Recorder): Promise<void> {
  const isAnswered = () => ((recorder.lastAcked(machine.mac) ?? 0) > since ? true : undefined)
  for (let asked = 0; asked < PATIENCE_SECONDS && isAnswered() === undefined; asked += 1) {
    // What it is answered is in the recorder's history.
    machine.client.renew().catch(() => {})
    await eventually('an answer', isAnswered, { seconds: ASK_AGAIN_MS / 1000, pauseMs: 20 }).catch(() =>
      wait(0),
    )
  }
  if (isAnswered() === undefined)
    throw new Error(`${machine.name} was not answered for ${PATIENCE_SECONDS} s`)
}

/** Of those that were answered since; the others had been answered before. */
function answeredAfter(since: number, recorder: Recorder, machines: readonly Machine[]): number[] {
  return machines.flatMap(({ mac }) => {
    const at = recorder.lastAcked(mac) ?? 0
    return at > since ? [at - since] : []
  })
}
