import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ApiUser } from './api-history.ts'
import { describeFault, type Fault, inject } from './faults.ts'
import type { Machine } from './machines.ts'
import type { Recorder } from './recorder.ts'
import type { Recovery } from './recovery-table.ts'
import { renewThrough } from './renewing.ts'
import { createSignal } from './signal.ts'
import type { World } from './world.ts'

export interface Round {
  readonly world: World
  readonly recorder: Recorder
  readonly user: ApiUser
  readonly now: () => number
}

/** Who comes and who goes while a fault strikes. */
export interface Storm {
  readonly arriving: readonly Machine[]
  readonly leaving: readonly Machine[]
  /** Of those that leave, so many are made again at once, with the name and MAC that they had. */
  readonly returning: number
}

/** Who is there, who goes, and who comes and asks for the addresses of the first of those that go. */
export interface Handover {
  readonly staying: readonly Machine[]
  readonly leaving: readonly Machine[]
  readonly heirs: readonly Machine[]
}

const STEP_MS = 25

/**
 * VMs are made and boot, and others are deleted, one right after the other. The fault strikes when the first of them has
 * an address; half of them are made and deleted only when it has struck, so that it meets some whatever it is.
 */
export async function bootStorm(
  { world, recorder, user, now }: Round,
  fault: Fault,
  { arriving, leaving, returning }: Storm,
): Promise<Recovery> {
  const told = user.history.length
  const struck = createSignal()
  const inTurn = async (index: number, all: readonly Machine[]) => {
    const half = Math.ceil(all.length / 2)
    if (index >= half) await struck.fired
    await wait((index % half) * STEP_MS)
  }
  const all = Promise.all([
    ...arriving.map(async (machine, index) => {
      await inTurn(index, arriving)
      await machine.create()
    }),
    ...leaving.map(async (machine, index) => {
      await inTurn(index, leaving)
      if (index < leaving.length - returning) return machine.remove()
      const outdated = await machine.remake()
      if (outdated !== undefined) recorder.excuse(outdated)
    }),
  ])
  all.catch(() => {})
  await eventually('a first address', () => (user.history.length > told ? true : undefined), { pauseMs: 5 })
  const since = now()
  const waiting = arriving.filter(({ address }) => address === undefined)
  await inject(fault, world.parts, struck.fire)
  await all
  const answeredMs = waiting.map(({ mac }) => (recorder.lastAcked(mac) ?? since) - since)
  return { fault: describeFault(fault), during: 'boot storm', answeredMs }
}

/**
 * The fault strikes while all clients hold a lease and ask for its renewal again and again; some go, and others ask for
 * their addresses. Nobody else asks for any, who could take them away.
 */
export async function renewals(
  round: Round,
  fault: Fault,
  { staying, leaving, heirs }: Handover,
): Promise<Recovery> {
  const { world, now } = round
  const struck = createSignal()
  const since = now()
  const inherited = leaving.map(({ address }) => address)
  const injected = inject(fault, world.parts, struck.fire)
  const inTurn = async (index: number) => {
    await struck.fired
    await wait(index * STEP_MS)
  }
  const going = Promise.all(
    leaving.map(async (machine, index) => {
      await inTurn(index)
      await machine.remove()
    }),
  )
  const coming = Promise.all(
    heirs.map(async (machine, index) => {
      await inTurn(index)
      await machine.create(inherited[index])
      return now() - since
    }),
  )
  const renewed = Promise.all(staying.map((machine) => renewThrough(machine, injected, round)))
  const [answeredMs, heirsMs] = await Promise.all([renewed, coming, going, injected])
  return { fault: describeFault(fault), during: 'renewals', answeredMs, newcomerMs: Math.max(...heirsMs) }
}
