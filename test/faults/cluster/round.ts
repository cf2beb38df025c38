import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { checkLinearizable, tellVerdict } from '../history/linearizability.ts'
import { findLosses, tellLoss } from '../history/losses.ts'
import type { Fault } from './faults.ts'
import { type Guest, macOf } from './guests.ts'
import { type FaultWorld, untilQuiet, untilRecovered, type Vm } from './world.ts'

/** What a fault cost, in seconds from its beginning. */
export interface Measured {
  readonly fault: string
  readonly phase: string
  /** Until each VM that was created during it had its address: its lease, where it has a machine. */
  readonly bound: readonly number[]
  /** Until each running client that asked for a renewal during it heard an ACK. */
  readonly renewed: readonly number[]
}

export interface RoundOptions {
  readonly phase: string
  /** How many VMs are created, and in how many milliseconds. The first of them have machines that boot. */
  readonly vms: number
  readonly withinMs: number
  readonly machines: number
  /** When in that time the fault strikes. */
  readonly strikeAfterMs: number
}

/** A fault and how long it lasts, unless it is momentary: or until everybody was served in spite of it. */
export interface Strike {
  readonly fault: Fault
  readonly holdMs: number | 'until-served'
}

/**
 * Strikes while VMs are created, those of the round before are deleted and clients renew, and measures until all of them
 * have what they asked for.
 */
export async function strikeRound(
  world: FaultWorld,
  strikes: readonly Strike[],
  options: RoundOptions,
): Promise<Measured> {
  const { residents, users } = world
  const [leaving, coming] = takeTurns(world, options)
  // Every other time each asks for the address of one that goes; then nobody is there who could take it away.
  const isHandover = world.turn % 2 === 0 && leaving.length === coming.length
  const inherited = isHandover ? leaving.map(({ mac }) => world.truth.told().get(mac)) : []
  const initial = users.told()
  const firstCall = users.history.length
  const firstEvent = world.history.events.length
  const begun = performance.now() + options.strikeAfterMs
  const sinceStrike = (at: number) => Math.max(0, at - begun) / 1000
  const inTurn = (index: number, all: readonly Vm[]) => wait((index * options.withinMs) / all.length)

  const comingOnes = coming.map(async (vm, index) => {
    await inTurn(index, coming)
    if (vm.guest === undefined) return sinceStrike(await users.ask(vm, inherited[index]))
    // Both are started together, and the machine asks until it is answered.
    const [at] = await Promise.all([vm.guest.boot(), users.ask(vm, inherited[index])])
    return sinceStrike(at)
  })
  const leavingOnes = leaving.map(async (vm, index) => {
    await inTurn(index, leaving)
    await leave(world, vm)
  })
  const renewing = wait(options.strikeAfterMs + 200).then(() =>
    Promise.all(renewable(residents).map((one) => one.renew())),
  )
  const served = Promise.all([Promise.all(comingOnes), renewing, Promise.all(leavingOnes)])
  const ended = wait(options.strikeAfterMs).then(() =>
    Promise.all(strikes.map((strike) => endure(strike, served))),
  )
  try {
    const [[bound, renewed]] = await Promise.all([served, ended])
    await untilQuiet(world, [...residents, ...coming])
    const verdict = checkLinearizable(users.history.slice(firstCall), { initial })
    expect(verdict.type, tellVerdict(verdict)).toBe('linearizable')
    const losses = findLosses(world.history.events.slice(firstEvent))
    const helpless = isAgentKilled(strikes) ? losses.filter(({ type }) => type === 'expired') : []
    world.excusedLosses.push(...helpless.map(tellLoss))
    expect(losses.filter((loss) => !helpless.includes(loss)).map(tellLoss)).toEqual([])
    const fault = strikes.map(({ fault: { name } }) => name).join(' + ')
    return { fault, phase: options.phase, bound, renewed: renewed.map(sinceStrike) }
  } finally {
    await Promise.allSettled([served, ended])
    await untilRecovered(world)
  }
}

/** The VMs that the last round left go, so that only the residents are there. */
export async function clear(world: FaultWorld): Promise<void> {
  await Promise.all(world.present.map((vm) => leave(world, vm)))
  world.present = []
  await untilQuiet(world, world.residents)
}

/** A VM, and its machine where it has one. */
export interface Comer extends Vm {
  readonly guest?: Guest
}

/** Who goes, and who comes: machines and names of two kinds, which take turns. */
function takeTurns(world: FaultWorld, { vms, machines }: RoundOptions): [readonly Comer[], readonly Comer[]] {
  const leaving = world.present
  world.turn += 1
  const odd = world.turn % 2
  const half = world.visitors.length / 2
  const guests = world.visitors.slice(odd * half, odd * half + machines)
  const coming: Comer[] = [
    ...guests.map((guest) => ({ name: guest.name, mac: guest.mac, guest })),
    ...Array.from({ length: vms - guests.length }, (_, index) => ({
      name: `storm-${odd}-${index + 1}`,
      mac: macOf(3 + odd, index + 1),
    })),
  ]
  world.present = coming
  return [leaving, coming]
}

async function leave({ users }: FaultWorld, vm: Comer): Promise<void> {
  await vm.guest?.powerOff()
  await users.giveBack(vm)
}

/** dhclient renews by its own clock only. */
const renewable = (guests: readonly Guest[]) => guests.filter(({ kind }) => kind === 'udhcpc')

/** Until another one runs nobody answers, and a client that was asked to renew may give up: udhcpc does after 12 s. */
const isAgentKilled = (strikes: readonly Strike[]) => strikes.some(({ fault }) => fault.name === 'kill agent')

async function endure({ fault, holdMs }: Strike, served: Promise<unknown>): Promise<void> {
  try {
    await fault.strike()
    if (!fault.isMomentary) await (holdMs === 'until-served' ? served.catch(() => {}) : wait(holdMs))
  } finally {
    await fault.end()
  }
}
