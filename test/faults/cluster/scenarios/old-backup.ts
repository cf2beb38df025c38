import { expect, test } from 'vitest'
import { eventually } from '../../../e2e/support/eventually.ts'
import { findLosses, tellLoss } from '../../history/losses.ts'
import { findMoves, tellMove } from '../../history/moves.ts'
import { takeBackup } from '../backup.ts'
import type { Guest } from '../guests.ts'
import { clear, type Measured } from '../round.ts'
import { createVm, deleteVm, type FaultWorld, LEASE_SECONDS, untilQuiet, untilRecovered } from '../world.ts'
import { BOUND_SECONDS } from './bound.ts'

const FAULT = 'API restored from a backup'
const TITLE = 'the API goes back to an old backup: no address gets a second holder while its first may use it'
/** All of the control plane is started anew, and leases of half a minute are waited for. */
const TIMEOUT_MS = 300_000

/**
 * What was allocated since the backup is unknown to the truth, while its clients go on: addresses that look free are
 * not, and an address that went from one VM to another is the first one's again.
 */
export function describeOldBackup(world: () => FaultWorld, measured: Measured[]): void {
  test(TITLE, { timeout: TIMEOUT_MS }, async () => {
    const { system, store, residents, visitors, truth, history } = world()
    await clear(world())
    const lost = visitors.slice(0, 4)
    const hasty = visitors.slice(4, 6)
    const later = visitors.slice(6, 8)
    const [earlier, heir] = visitors.slice(8, 10)
    if (earlier === undefined || heir === undefined) throw new Error('too few visitors')
    const since = (begun: number, times: readonly number[]) => times.map((at) => (at - begun) / 1000)
    const boot = (guest: Guest) => Promise.all([guest.boot(), createVm(store, guest)]).then(([at]) => at)

    // Given a backup in which one VM has an address that another one has by now, and in which others are missing.
    await boot(earlier)
    // Its client may have its lease before its VM is told of it.
    await untilQuiet(world(), [...residents, earlier])
    const inherited = addressOf(world(), earlier)
    const backup = await takeBackup(system.controlPlane)
    await earlier.powerOff()
    await deleteVm(store, earlier)
    await untilQuiet(world(), residents)
    const begun = history.events.length
    await createVm(store, heir, { 'static-ip.harvesterhci.io/nic-1': inherited })
    await heir.boot()
    for (const guest of lost) await boot(guest)
    await untilQuiet(world(), [...residents, heir, ...lost])
    expect(addressOf(world(), heir)).toBe(inherited)
    const before = new Map([heir, ...lost].map((guest) => [guest.mac, addressOf(world(), guest)]))

    // When the API goes back, the VM of then boots again, and new ones come for addresses that look free.
    await Promise.all([heir, ...lost].map((guest) => guest.renew()))
    truth.forgetPromises([earlier, heir, ...lost].map(({ mac }) => mac))
    await backup.restore()
    const restored = performance.now()
    const first = Promise.all([earlier.boot(), ...hasty.map(boot)])
    first.catch(() => {})
    const isSettled = ({ mac }: Guest) => {
      const address = before.get(mac) ?? ''
      const isTaken = hasty.some((guest) => addressOf(world(), guest) === address)
      return isTaken || truth.isResting(address) || history.hasRunOut(mac)
    }
    await eventually(
      'the pool to hear of leases that it does not know',
      () => (lost.every(isSettled) ? true : undefined),
      { seconds: 90 },
    )
    // On a machine so slow that a lease ran out first, nobody has to wait for it.
    const ranOut = lost.some(({ mac }) => history.hasRunOut(mac))

    // Then who comes now is served at once, and who was lost and is created again has its address, unless it is taken.
    const heard = performance.now()
    const again = Promise.all(lost.map((guest) => history.nextAck(guest.name, BOUND_SECONDS * 1000)))
    again.catch(() => {})
    const [newcomers] = await Promise.all([
      Promise.all(later.map(boot)),
      ...lost.map((guest) => createVm(store, guest)),
    ])
    measured.push(
      { fault: FAULT, phase: 'VMs of then, new VMs', bound: since(restored, await first), renewed: [] },
      { fault: FAULT, phase: 'new VMs, a moment later', bound: since(heard, newcomers), renewed: [] },
      {
        ...{ fault: FAULT, phase: 'lost VMs created again' },
        ...{ bound: since(heard, await again), renewed: [] },
      },
    )
    await untilQuiet(world(), [...residents, earlier, ...hasty, ...later, ...lost])
    // Who was to have the heir's address back waits for the heir's lease to run out first (law 1).
    const bounds = [BOUND_SECONDS + LEASE_SECONDS, BOUND_SECONDS, BOUND_SECONDS]
    for (const [index, { bound }] of measured.slice(-3).entries()) {
      expect(Math.max(...bound)).toBeLessThan(bounds[index] ?? 0)
    }
    // Only who had an address that the truth had given away, before anybody could tell it, got another; and the heir's
    // is the first one's again. What the backup knows stays where it was.
    const taken = [...hasty, ...(ranOut ? later : []), earlier].map((guest) => addressOf(world(), guest))
    const isTaken = (guest: Guest) => taken.includes(before.get(guest.mac) ?? '')
    const moves = findMoves(history.events.slice(begun))
    const mayMove = new Set([heir, ...lost].filter(isTaken).map(({ mac }) => mac))
    expect(moves.filter(({ mac }) => !mayMove.has(mac)).map(tellMove)).toEqual([])
    const kept = lost.filter((guest) => !isTaken(guest))
    if (!ranOut) expect(kept.length).toBeGreaterThanOrEqual(lost.length - hasty.length)
    expect(kept.map((guest) => addressOf(world(), guest))).toEqual(kept.map(({ mac }) => before.get(mac)))
    world().excused.push(...moves)
    // Whose VM the truth did not know any more could not be answered all the while.
    const wasUnknown = new Set([heir, ...lost].map(({ mac }) => mac))
    const losses = findLosses(history.events.slice(begun)).filter(({ mac }) => wasUnknown.has(mac))
    world().excusedLosses.push(...losses.map(tellLoss))

    const guests = [earlier, heir, ...hasty, ...later, ...lost]
    await Promise.all(guests.map((guest) => guest.powerOff()))
    await Promise.all(guests.map((guest) => deleteVm(store, guest)))
    await untilQuiet(world(), residents)
    await untilRecovered(world())
    await backup.remove()
  })
}

function addressOf({ truth }: FaultWorld, { mac }: Guest): string {
  return truth.told().get(mac) ?? ''
}
