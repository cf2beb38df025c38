import { setTimeout as wait } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import { type Guest, macOf } from './guests.ts'
import { createVm, deleteVm, type FaultWorld, untilQuiet, untilRecovered, type Vm } from './world.ts'

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

/** Strikes while VMs are created and clients renew, and measures until all of them have what they asked for. */
export async function strikeRound(
  world: FaultWorld,
  strikes: readonly Strike[],
  options: RoundOptions,
): Promise<Measured> {
  const { store, residents, visitors } = world
  const guests = visitors.slice(0, options.machines)
  const others = Array.from({ length: options.vms - guests.length }, (_, index) => ({
    name: `storm-${index + 1}`,
    mac: macOf(3, index + 1),
  }))
  const vms: readonly Vm[] = [...guests, ...others]
  const begun = performance.now() + options.strikeAfterMs
  const sinceStrike = (at: number) => Math.max(0, at - begun) / 1000

  const served = Promise.all([
    Promise.all(
      vms.map(async (vm, index) => {
        await wait((index * options.withinMs) / options.vms)
        return sinceStrike(
          await (index < guests.length ? start(world, guests[index], vm) : announce(world, vm)),
        )
      }),
    ),
    wait(options.strikeAfterMs + 200).then(() => Promise.all(renewable(residents).map((one) => one.renew()))),
  ])
  const ended = wait(options.strikeAfterMs).then(() =>
    Promise.all(strikes.map((strike) => endure(strike, served))),
  )
  try {
    const [[bound, renewed]] = await Promise.all([served, ended])
    await untilQuiet(world, [...residents, ...vms])
    const fault = strikes.map(({ fault: { name } }) => name).join(' + ')
    return { fault, phase: options.phase, bound, renewed: renewed.map(sinceStrike) }
  } finally {
    await Promise.allSettled([served, ended])
    await Promise.all(guests.map((guest) => guest.powerOff()))
    await Promise.all(vms.map((vm) => deleteVm(store, vm)))
    await untilQuiet(world, residents)
    await untilRecovered(world)
  }
}

/** dhclient renews by its own clock only. */
const renewable = (guests: readonly Guest[]) => guests.filter(({ kind }) => kind === 'udhcpc')

async function endure({ fault, holdMs }: Strike, served: Promise<unknown>): Promise<void> {
  try {
    await fault.strike()
    if (!fault.isMomentary) await (holdMs === 'until-served' ? served.catch(() => {}) : wait(holdMs))
  } finally {
    await fault.end()
  }
}

/** A VM with a machine: both are started together, and the machine asks until it is answered. */
async function start({ store }: FaultWorld, guest: Guest | undefined, vm: Vm): Promise<number> {
  const [at = performance.now()] = await Promise.all([guest?.boot(), createVm(store, vm)])
  return at
}

async function announce({ store, truth }: FaultWorld, vm: Vm): Promise<number> {
  await createVm(store, vm)
  return truth.untilTold(vm.mac)
}
